#include "base/config.h"
#include "base/file.h"
#include "base/rng.h"
#include "folder.h"
#include "hang.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <math.h>
#include <string.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(rng, .timeout = HANG_SECONDS);
TestSuite(config, .timeout = HANG_SECONDS);
TestSuite(file, .timeout = HANG_SECONDS);

/* Known answers of Philox4x32-10 from the authors' Random123 distribution (kat_vectors). */
Test(rng, philox_known_answers) {
  Rng zero = {.used = 4};
  const uint32_t expected_zero[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  for (int i = 0; i < 4; i++) cr_assert_eq(rng_u32(&zero), expected_zero[i]);
  Rng pi = {.used = 4,
            .key = {0xa4093822, 0x299f31d0},
            .counter = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
  const uint32_t expected_pi[4] = {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
  for (int i = 0; i < 4; i++) cr_assert_eq(rng_u32(&pi), expected_pi[i]);
}

Test(rng, streams_differ_by_every_part_of_their_name) {
  Rng base = rng_make(1, RNG_TEST, 2, 3);
  Rng others[] = {rng_make(2, RNG_TEST, 2, 3), rng_make(1, RNG_MATCH, 2, 3), rng_make(1, RNG_TEST, 3, 3),
                  rng_make(1, RNG_TEST, 2, 4), rng_make(1ull << 32 | 1, RNG_TEST, 2, 3)};
  uint64_t first = rng_u64(&base);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) cr_assert_neq(rng_u64(&others[i]), first);
}

Test(rng, moments) {
  enum { N = 200000 };
  Rng rng = rng_make(7, RNG_TEST, 0, 0);
  double uniform = 0, normal = 0, square = 0, gumbel = 0, gamma_small = 0, gamma_large = 0;
  for (int i = 0; i < N; i++) {
    double x = rng_normal(&rng);
    uniform += rng_uniform(&rng), normal += x, square += x * x, gumbel += rng_gumbel(&rng);
    gamma_small += rng_gamma(&rng, 0.3), gamma_large += rng_gamma(&rng, 4);
  }
  /* Five standard errors of each mean. */
  cr_assert_float_eq(uniform / N, 0.5, 5 * 0.2887 / sqrt(N));
  cr_assert_float_eq(normal / N, 0, 5 / sqrt(N));
  cr_assert_float_eq(square / N, 1, 5 * sqrt(2) / sqrt(N));
  cr_assert_float_eq(gumbel / N, 0.57721566, 5 * 1.2825 / sqrt(N));
  cr_assert_float_eq(gamma_small / N, 0.3, 5 * sqrt(0.3) / sqrt(N));
  cr_assert_float_eq(gamma_large / N, 4, 5 * 2 / sqrt(N));
}

Test(rng, choice_follows_the_weights) {
  Rng rng = rng_make(8, RNG_TEST, 0, 0);
  float weights[4] = {0, 1, 0, 3}, noise[5], sum = 0;
  int counts[4] = {0};
  for (int i = 0; i < 40000; i++) counts[rng_choose(&rng, weights, 4)]++;
  cr_assert_eq(counts[0], 0);
  cr_assert_eq(counts[2], 0);
  cr_assert_float_eq(counts[3] / 40000.0, 0.75, 5 * sqrt(0.75 * 0.25 / 40000));
  rng_dirichlet(&rng, 0.3, 5, noise);
  for (int i = 0; i < 5; i++) sum += noise[i];
  cr_assert_float_eq(sum, 1, 1e-5);
}

typedef struct Sample {
  int visits;
  double rate;
  int kind;
  uint64_t seed;
  char text[CONFIG_TEXT_MAX];
} Sample;

static const char *const kinds[] = {"puct", "gumbel", NULL};
static const ConfigKey sample_keys[] = {
    {"search.visits", CONFIG_INT, offsetof(Sample, visits), 1, 1000, "32", "Simulations a move.", NULL},
    {"learner.rate", CONFIG_REAL, offsetof(Sample, rate), 0, 1, "0.01", "Learning rate.", NULL},
    {"kind", CONFIG_CHOICE, offsetof(Sample, kind), 0, 0, "gumbel", "A kind.", kinds},
    {"seed", CONFIG_SEED, offsetof(Sample, seed), 0, 0, "9223372036854775807", "A seed.", NULL},
    {"text", CONFIG_TEXT, offsetof(Sample, text), 0, 0, "abc", "A text.", NULL},
};
static const ConfigTable table = {sample_keys, sizeof sample_keys / sizeof *sample_keys, "sample"};

static void temporary_path(char *path) {
  strcpy(path, "/tmp/selfplay-test-XXXXXX");
  int fd = mkstemp(path);
  cr_assert(fd >= 0);
  close(fd);
}

static bool read_text(Sample *sample, const char *text, Error *err) {
  char path[64];
  temporary_path(path);
  Error ignored;
  cr_assert(file_write(path, text, strlen(text), &ignored));
  bool fine = config_read(&table, sample, path, err);
  unlink(path);
  return fine;
}

Test(config, reads_comments_and_writes_back_what_it_read) {
  Sample sample, again;
  Error err;
  config_defaults(&table, &sample);
  cr_assert_eq(sample.seed, INT64_MAX);
  cr_assert(read_text(&sample, "# head\nsearch.visits = 7 # tail\nkind=puct\n\nlearner.rate = 0.1\n", &err),
            "%s", err.message);
  cr_assert_eq(sample.visits, 7);
  cr_assert_eq(sample.kind, 0);
  Buffer out = {0};
  config_print(&table, &sample, true, &out);
  buffer_put(&out, "", 1);
  config_defaults(&table, &again);
  cr_assert(read_text(&again, (char *)out.data, &err), "%s", err.message);
  cr_assert_eq(again.visits, 7);
  cr_assert_eq(again.rate, 0.1);
  cr_assert_eq(again.seed, sample.seed);
  buffer_free(&out);
}

Test(config, names_the_line_and_the_nearest_key) {
  Sample sample;
  Error err;
  config_defaults(&table, &sample);
  cr_assert_not(read_text(&sample, "\n# c\nserch.visits = 3\n", &err));
  cr_assert(strstr(err.message, ":3: unknown key 'serch.visits'; the nearest is 'search.visits'"), "%s",
            err.message);
  cr_assert_not(read_text(&sample, "search.visits = 0\n", &err));
  cr_assert(strstr(err.message, ":1: search.visits needs a whole number from 1 to 1000, not '0'"), "%s",
            err.message);
  cr_assert_not(read_text(&sample, "learner.rate = nan\n", &err));
  cr_assert_not(read_text(&sample, "search.visits = 3x\n", &err));
  cr_assert_not(read_text(&sample, "kind = alpha\n", &err));
  cr_assert(strstr(err.message, "puct, gumbel"), "%s", err.message);
  cr_assert_not(read_text(&sample, "no equals sign\n", &err));
  cr_assert_not(config_set(&table, &sample, "flag", "--set", &err));
  cr_assert(config_set(&table, &sample, "search.visits=99", "--set", &err));
  cr_assert_eq(sample.visits, 99);
  cr_assert_not(read_text(&sample, "rate = 2\n", &err));
  cr_assert(strstr(err.message, ":1: unknown key 'rate'; the nearest is 'learner.rate'"), "%s", err.message);
  cr_assert_not(read_text(&sample, "xyz = 2\n", &err));
  cr_assert(strstr(err.message, ":1: unknown key 'xyz'; `sample' lists all"), "%s", err.message);
}

/* The line is the file's, whatever stands before it and behind it, and the first mistake is told. */
Test(config, long_comments_and_first_mistakes) {
  Sample sample;
  Error err;
  char text[1200];
  config_defaults(&table, &sample);
  snprintf(text, sizeof text, "\xEF\xBB\xBF# %0500d\n  search.visits = 7\n[learner]\n; %0300d\nrate = 0.5\n",
           1, 2);
  cr_assert(read_text(&sample, text, &err), "%s", err.message);
  cr_assert_eq(sample.visits, 7);
  cr_assert_eq(sample.rate, 0.5);
  cr_assert_not(read_text(&sample, "search.visits = 5\nsearch.visits 6\nserch.visits = 3\n", &err));
  cr_assert(strstr(err.message, ":2: not a 'key = value' line"), "%s", err.message);
  cr_assert_not(read_text(&sample, "kind = puct\nsearch.visits 6", &err));
  cr_assert(strstr(err.message, ":2: not a 'key = value' line"), "%s", err.message);
  cr_assert_not(read_text(&sample, "kind = puct\n[learner\nrate = 0.1\n", &err));
  cr_assert(strstr(err.message, ":2: a section without its ]"), "%s", err.message);
  snprintf(text, sizeof text, "# %0500d\ntext = %0300d\n", 1, 2);
  cr_assert_not(read_text(&sample, text, &err));
  cr_assert(strstr(err.message, ":2: the line is longer"), "%s", err.message);
  cr_assert_not(config_read(&table, &sample, "/tmp", &err));
  cr_assert(strstr(err.message, "/tmp: cannot read"), "%s", err.message);
  cr_assert_not(err.usage);
}

static void check_block(BlockPacking packing) {
  char path[64];
  temporary_path(path);
  Buffer payload = {0}, back = {0}, raw = {0};
  Error err;
  for (int i = 0; i < 1000; i++) buffer_put(&payload, &i, sizeof i);
  cr_assert(file_write_block(path, "TESTFILE", 3, packing, &payload, &err), "%s", err.message);
  uint32_t version;
  cr_assert(file_read_block(path, "TESTFILE", 3, &version, &back, &err), "%s", err.message);
  cr_assert_eq(version, 3);
  cr_assert_eq(back.size, payload.size);
  cr_assert_eq(memcmp(back.data, payload.data, back.size), 0);
  buffer_free(&back);
  cr_assert_not(file_read_block(path, "OTHERONE", 3, NULL, &back, &err));
  cr_assert_not(file_read_block(path, "TESTFILE", 2, NULL, &back, &err));

  FILE *file = fopen(path, "rb");
  uint8_t bytes[8192];
  size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  for (size_t i = 0; i < size; i += 7) {
    /* Bytes 4..9 of gzip are time stamp and flags that carry nothing of ours. */
    if (i >= 3 && i <= 9) continue;
    bytes[i] ^= 0x55;
    cr_assert(file_write(path, bytes, size, &err));
    bytes[i] ^= 0x55;
    buffer_free(&back);
    cr_assert_not(file_read_block(path, "TESTFILE", 3, NULL, &back, &err), "byte %zu", i);
  }
  for (size_t cut = 0; cut < size; cut += 11) {
    cr_assert(file_write(path, bytes, cut, &err));
    buffer_free(&back);
    cr_assert_not(file_read_block(path, "TESTFILE", 3, NULL, &back, &err), "cut at %zu", cut);
  }
  buffer_free(&back);
  buffer_free(&raw);
  buffer_free(&payload);
  unlink(path);
}

Test(file, block_round_trip_and_every_damage_is_noticed) {
  for (BlockPacking packing = BLOCK_SMALL; packing <= BLOCK_STORED; packing++) check_block(packing);
}

Test(file, unwritable_folder_and_full_disk_are_one_line) {
  Error err;
  cr_assert_not(file_make_folder("/proc/nothing/here", &err));
  cr_assert(strstr(err.message, "/proc/nothing"));
  cr_assert_not(file_write("/proc/selfplay.txt", "x", 1, &err));
  cr_assert(strstr(err.message, "/proc/selfplay.txt") && !strchr(err.message, '\n'), "%s", err.message);
  if (access("/dev/full", W_OK) == 0) {
    cr_assert_not(file_write("/dev/full", "x", 1, &err));
    cr_assert(strstr(err.message, "/dev/full: cannot write") && !strchr(err.message, '\n'), "%s",
              err.message);
  }
  cr_assert_not(file_make_folder("/dev/null/x", &err));
  Buffer out = {0};
  cr_assert_not(file_read("/nonexistent/file", &out, &err));
  cr_assert(strstr(err.message, "/nonexistent/file"));
}

static void expect_bytes(const char *path, const char *text) {
  Buffer found = {0};
  Error err;
  cr_assert(file_read_text(path, &found, &err), "%s", err.message);
  cr_assert_str_eq((const char *)found.data, text);
  buffer_free(&found);
}

Test(file, a_link_stays_one_and_its_file_is_written) {
  char folder[FOLDER_MAX], file[FOLDER_MAX + 8], link[FOLDER_MAX + 8];
  struct stat info;
  Error err;
  folder_make(folder);
  snprintf(file, sizeof file, "%s/file", folder), snprintf(link, sizeof link, "%s/link", folder);
  cr_assert(file_write(file, "old", 3, &err) && symlink("file", link) == 0);
  cr_assert(file_may_write(link, &err) && file_write(link, "new", 3, &err), "%s", err.message);
  cr_assert(lstat(link, &info) == 0 && S_ISLNK(info.st_mode));
  expect_bytes(file, "new");
  cr_assert(file_may_write("/dev/null", &err), "%s", err.message);
  folder_remove(folder);
}

Test(file, set_aside_twice_both_are_kept) {
  char folder[FOLDER_MAX], path[FOLDER_MAX + 8], aside[FOLDER_MAX + 24];
  Error err;
  folder_make(folder);
  snprintf(path, sizeof path, "%s/file", folder);
  for (int i = 0; i < 3; i++) {
    cr_assert(file_write(path, &"123"[i], 1, &err) && file_set_aside(path, &err), "%s", err.message);
    cr_assert_not(file_exists(path));
  }
  snprintf(aside, sizeof aside, "%s.damaged", path), expect_bytes(aside, "1");
  snprintf(aside, sizeof aside, "%s.damaged2", path), expect_bytes(aside, "2");
  snprintf(aside, sizeof aside, "%s.damaged3", path), expect_bytes(aside, "3");
  folder_remove(folder);
}
