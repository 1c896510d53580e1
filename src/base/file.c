#include "base/file.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static void buffer_reserve(Buffer *buffer, size_t extra) {
  if (buffer->size + extra <= buffer->capacity) return;
  size_t capacity = buffer->capacity ? buffer->capacity : 256;
  while (capacity < buffer->size + extra) capacity *= 2;
  buffer->data = memory_grow(buffer->data, buffer->size, capacity, 1);
  buffer->capacity = capacity;
}

void buffer_put(Buffer *buffer, const void *bytes, size_t size) {
  if (!size) return;
  buffer_reserve(buffer, size);
  memcpy(buffer->data + buffer->size, bytes, size);
  buffer->size += size;
}

void buffer_printf(Buffer *buffer, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int length = vsnprintf(NULL, 0, format, args);
  va_end(args);
  buffer_reserve(buffer, (size_t)length + 1); /* vsnprintf also writes a NUL, which stays outside `size` */
  vsnprintf((char *)buffer->data + buffer->size, (size_t)length + 1, format, again);
  va_end(again);
  buffer->size += (size_t)length;
}

bool buffer_get(Buffer *buffer, void *out, size_t size) {
  if (buffer->size - buffer->position < size) return false;
  if (size) memcpy(out, buffer->data + buffer->position, size);
  buffer->position += size;
  return true;
}

void buffer_free(Buffer *buffer) {
  free(buffer->data);
  *buffer = (Buffer){0};
}

bool file_make_folder(const char *path, Error *err) {
  char partial[FILE_PATH_MAX];
  if ((size_t)snprintf(partial, sizeof partial, "%s", path) >= sizeof partial)
    return error_set(err, "%.80s...: the path is too long", path);
  for (char *slash = partial + 1;; slash++) {
    if (*slash != '/' && *slash != 0) continue;
    char kept = *slash;
    *slash = 0;
    if (mkdir(partial, 0777) != 0 && errno != EEXIST)
      return error_set(err, "%s: cannot create the folder: %s", partial, strerror(errno));
    *slash = kept;
    if (!kept) break;
  }
  struct stat info;
  if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
    return error_set(err, "%s: a file stands where a folder is needed; choose another name", path);
  return true;
}

bool file_exists(const char *path) {
  return access(path, F_OK) == 0;
}

/* A rename is durable only once its folder is on disk too. */
static void sync_folder_of(const char *path) {
  char copy[FILE_PATH_MAX];
  snprintf(copy, sizeof copy, "%s", path);
  int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  fsync(folder);
  close(folder);
}

static bool write_all(int fd, const uint8_t *bytes, size_t size) {
  while (size > 0) {
    ssize_t written = write(fd, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes += written;
    size -= (size_t)written;
  }
  return true;
}

/* A device or pipe is written as it is: a rename would put a file in its place. */
static bool write_special(const char *path, const void *bytes, size_t size, Error *err) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  bool done = fd >= 0 && write_all(fd, bytes, size);
  int reason = errno;
  if (fd >= 0 && close(fd) != 0 && done) done = false, reason = errno;
  return done || error_set(err, "%s: cannot write: %s", path, strerror(reason));
}

void file_remove_temporaries(const char *folder) {
  DIR *dir = opendir(folder);
  const struct dirent *entry;
  while (dir && (entry = readdir(dir))) {
    const char *end = strstr(entry->d_name, ".tmp");
    char path[FILE_PATH_MAX];
    if (!end || !end[4] || end[4 + strspn(end + 4, "0123456789")]) continue;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < sizeof path) unlink(path);
  }
  if (dir) closedir(dir);
}

/* This process's own output, if /dev/stdout or the like leads to it, which a rename would cut off; or -1. */
static int own_output(const struct stat *info) {
  struct stat own;
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
    if (fstat(fd, &own) == 0 && own.st_dev == info->st_dev && own.st_ino == info->st_ino) return fd;
  return -1;
}

/* Where the bytes go: behind links, which a rename would replace; the path itself where nothing is there. */
static void follow_links(const char *path, char target[FILE_PATH_MAX]) {
  char *real = realpath(path, NULL);
  snprintf(target, FILE_PATH_MAX, "%s", real && strlen(real) < FILE_PATH_MAX ? real : path);
  free(real);
}

bool file_may_write(const char *path, Error *err) {
  char target[FILE_PATH_MAX];
  struct stat info;
  bool exists = stat(path, &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) return error_set(err, "%s: cannot write: it is a folder", path);
  if (exists && !S_ISREG(info.st_mode))
    return access(path, W_OK) == 0 || error_set(err, "%s: cannot write: %s", path, strerror(errno));
  follow_links(path, target);
  const char *folder = dirname(target);
  return access(folder, W_OK) == 0 ||
         error_set(err, "%s: cannot write: %s: %s", path, folder, strerror(errno));
}

bool file_write(const char *path, const void *bytes, size_t size, Error *err) {
  struct stat info;
  if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
    if (!S_ISREG(info.st_mode)) return write_special(path, bytes, size, err);
    int own = own_output(&info);
    if (own >= 0)
      return write_all(own, bytes, size) || error_set(err, "%s: cannot write: %s", path, strerror(errno));
  }
  char target[FILE_PATH_MAX], temporary[FILE_PATH_MAX];
  follow_links(path, target);
  if ((size_t)snprintf(temporary, sizeof temporary, "%s.tmp%ld", target, (long)getpid()) >= sizeof temporary)
    return error_set(err, "%.80s...: the path is too long", path);
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return error_set(err, "%s: cannot write: %s", path, strerror(errno));
  bool done = write_all(fd, bytes, size) && fsync(fd) == 0;
  int reason = errno;
  if (close(fd) != 0 && done) done = false, reason = errno;
  if (done && rename(temporary, target) != 0) done = false, reason = errno;
  if (!done) {
    unlink(temporary);
    return error_set(err, "%s: cannot write: %s; nothing was changed", path, strerror(reason));
  }
  sync_folder_of(target);
  return true;
}

static bool unread(Error *err, const char *path, const char *reason) {
  error_set(err, "%s: cannot read: %s", path, reason);
  err->unread = true;
  return false;
}

bool file_read(const char *path, Buffer *out, Error *err) {
  struct stat info;
  if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
    return error_set(err, "%s: is a folder; a file was expected", path);
  gzFile file = gzopen(path, "rb"); /* reads plain files too */
  if (!file) return unread(err, path, strerror(errno ? errno : ENOMEM));
  for (;;) {
    buffer_reserve(out, 1 << 16);
    int count = gzread(file, out->data + out->size, 1 << 16);
    if (count > 0) out->size += (size_t)count;
    if (count < 1 << 16) break;
  }
  int state;
  const char *reason = gzerror(file, &state);
  bool fine = state == Z_OK || state == Z_STREAM_END;
  size_t length = strlen(path);
  if (strncmp(reason, path, length) == 0 && reason[length] == ':')
    reason += length + 2; /* zlib names it too */
  if (state == Z_ERRNO || state == Z_MEM_ERROR)
    unread(err, path, state == Z_ERRNO ? strerror(errno) : reason);
  else if (!fine)
    error_set(err, "%s: damaged: %s", path, reason);
  if (gzclose(file) != Z_OK && fine)
    fine = error_set(err, "%s: damaged: the gzip stream ends too early", path);
  return fine;
}

bool file_read_text(const char *path, Buffer *out, Error *err) {
  if (!file_read(path, out, err)) return false;
  if (out->size && memchr(out->data, 0, out->size))
    return error_set(err, "%s: damaged, or no text: it holds a zero byte", path);
  buffer_put(out, "", 1);
  return true;
}

enum { GZIP_WINDOW = 15 + 16, HEADER_SIZE = 24 };

static bool compress_gzip(BlockPacking packing, const Buffer *plain, Buffer *packed) {
  z_stream stream = {0};
  int level = packing == BLOCK_SMALL ? 6 : packing == BLOCK_FLOATS ? 1 : 0;
  int strategy = packing == BLOCK_FLOATS ? Z_RLE : Z_DEFAULT_STRATEGY;
  if (deflateInit2(&stream, level, Z_DEFLATED, GZIP_WINDOW, 8, strategy) != Z_OK) return false;
  size_t bound = deflateBound(&stream, plain->size);
  buffer_reserve(packed, bound);
  stream.next_in = plain->data;
  stream.avail_in = (uInt)plain->size;
  stream.next_out = packed->data;
  stream.avail_out = (uInt)bound;
  int state = deflate(&stream, Z_FINISH);
  packed->size = bound - stream.avail_out;
  deflateEnd(&stream);
  return state == Z_STREAM_END;
}

bool file_write_block(const char *path, const char magic[8], uint32_t version, BlockPacking packing,
                      const Buffer *payload, Error *err) {
  if (payload->size > (size_t)1 << 31) return error_set(err, "%s: more than 2 GiB in one file", path);
  uint32_t crc = (uint32_t)crc32(0, payload->data, (uInt)payload->size);
  uint64_t size = payload->size;
  Buffer plain = {0}, packed = {0};
  buffer_put(&plain, magic, 8);
  buffer_put(&plain, &version, sizeof version);
  buffer_put(&plain, &crc, sizeof crc);
  buffer_put(&plain, &size, sizeof size);
  buffer_put(&plain, payload->data, payload->size);
  bool done = compress_gzip(packing, &plain, &packed) || error_set(err, "%s: zlib failed", path);
  done = done && file_write(path, packed.data, packed.size, err);
  buffer_free(&plain);
  buffer_free(&packed);
  return done;
}

static bool check_block(const char *path, const char magic[8], uint32_t oldest, uint32_t newest,
                        Buffer *whole, uint32_t *version, Error *err) {
  char found[8];
  uint32_t crc = 0;
  uint64_t size = 0;
  if (!buffer_get(whole, found, 8) || memcmp(found, magic, 8) != 0)
    return error_set(err, "%s: empty, or no file of this kind (selfplay's begin with \"%.8s\")", path, magic);
  if (!buffer_get(whole, version, 4) || !buffer_get(whole, &crc, 4) || !buffer_get(whole, &size, 8))
    return error_set(err, "%s: damaged: the header is cut short", path);
  if (*version > newest || *version < oldest) {
    error_set(err, "%s: written by %s version of selfplay, which can read it (format %u, this one knows %u)",
              path, *version > newest ? "a newer" : "an older", *version, newest);
    err->unread = true;
    return false;
  }
  if (size != whole->size - HEADER_SIZE)
    return error_set(err, "%s: damaged: %zu bytes where %llu were written", path, whole->size - HEADER_SIZE,
                     (unsigned long long)size);
  if (crc != (uint32_t)crc32(0, whole->data + HEADER_SIZE, (uInt)size))
    return error_set(err, "%s: damaged: the checksum does not match", path);
  return true;
}

bool file_read_block(const char *path, const char magic[8], uint32_t newest, uint32_t *version,
                     Buffer *payload, Error *err) {
  Buffer whole = {0};
  uint32_t found = 0;
  bool fine = file_read(path, &whole, err) &&
              check_block(path, magic, version ? 0 : newest, newest, &whole, &found, err);
  if (fine) {
    if (version) *version = found;
    buffer_put(payload, whole.data + HEADER_SIZE, whole.size - HEADER_SIZE);
  }
  buffer_free(&whole);
  return fine;
}

bool file_set_aside(const char *path, Error *err) {
  char aside[FILE_PATH_MAX];
  snprintf(aside, sizeof aside, "%s.damaged", path);
  for (int n = 2; file_exists(aside) && n < 1000; n++) snprintf(aside, sizeof aside, "%s.damaged%d", path, n);
  if (rename(path, aside) != 0) return error_set(err, "%s: cannot set aside: %s", path, strerror(errno));
  return true;
}

bool file_find_shipped(const char *relative, char *out, Error *err) {
  const char *chosen = getenv("SELFPLAY_DATA");
  if (chosen) {
    snprintf(out, FILE_PATH_MAX, "%s/%s", chosen, relative);
    if (file_exists(out)) return true;
  }
  char self[FILE_PATH_MAX / 2];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length > 0) {
    self[length] = 0;
    const char *folder = dirname(self);
    const char *beside[] = {"..", "../share/selfplay", "."};
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
      snprintf(out, FILE_PATH_MAX, "%s/%s/%s", folder, beside[i], relative);
      if (file_exists(out)) return true;
    }
  }
  return error_set(
      err, "%s: not found among the shipped files; set SELFPLAY_DATA to the folder that holds it", relative);
}
