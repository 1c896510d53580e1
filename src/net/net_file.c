#include "base/file.h"
#include "base/memory.h"
#include "net/net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { VERSION = 1, GAME_TEXT = 64, NOTE_TEXT = 1024 };
static const char MAGIC[8] = "SPNETWRK";
_Static_assert(sizeof(NetShape) == 9 * sizeof(int32_t), "the file holds the shape as nine 32-bit integers");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "files are little-endian; a big-endian port must swap");

/* Payload: game[64], shape[9] int32, note[1024], params float32, stats float32, ranges float32 (may be
 * missing). Texts are padded with zeros. */
typedef struct Header {
  char game[GAME_TEXT];
  NetShape shape;
  char note[NOTE_TEXT];
} Header;

static void copy_text(char *to, const char *from, size_t size) {
  size_t length = strnlen(from, size - 1);
  memcpy(to, from, length);
  memset(to + length, 0, size - length);
}

static size_t ranges_size(const Net *net) {
  return 2 * (size_t)net->shape.blocks * sizeof *net->ranges;
}

bool net_save(const Net *net, const char *game, const char *note, const char *path, Error *err) {
  Header header = {.shape = net->shape};
  copy_text(header.game, game, GAME_TEXT);
  copy_text(header.note, note ? note : "", NOTE_TEXT);
  Buffer payload = {0};
  buffer_put(&payload, &header, sizeof header);
  buffer_put(&payload, net->params, net->param_count * sizeof *net->params);
  buffer_put(&payload, net->stats, net->stat_count * sizeof *net->stats);
  buffer_put(&payload, net->ranges, ranges_size(net));
  bool done = file_write_block(path, MAGIC, VERSION, BLOCK_FLOATS, &payload, err);
  buffer_free(&payload);
  return done;
}

static bool all_finite(const float *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(values[i])) return false;
  }
  return true;
}

bool net_is_finite(const Net *net) {
  return all_finite(net->params, net->param_count) && all_finite(net->stats, net->stat_count) &&
         all_finite(net->ranges, 2 * (size_t)net->shape.blocks);
}

static bool read_header(const char *path, const char *game, Buffer *payload, Header *header, Error *err) {
  if (!buffer_get(payload, header, sizeof *header) || header->game[GAME_TEXT - 1] ||
      header->note[NOTE_TEXT - 1])
    return error_set(err, "%s: damaged: not a network's header", path);
  if (game && strcmp(game, header->game) != 0)
    return error_set(err, "%s: a network for the game '%s', not '%s'", path, header->game, game);
  if (!net_shape_valid(&header->shape, err)) return error_prefix(err, "%s", path);
  return true;
}

static Net *read_net(const char *path, const char *game, Buffer *payload, Header *header, Error *err) {
  if (!read_header(path, game, payload, header, err)) return NULL;
  Net *net = net_new(&header->shape);
  size_t params = net->param_count * sizeof *net->params, stats = net->stat_count * sizeof *net->stats;
  size_t held = payload->size - payload->position;
  bool ranged = held == params + stats + ranges_size(net);
  bool fine = (ranged || held == params + stats) && buffer_get(payload, net->params, params) &&
              buffer_get(payload, net->stats, stats) &&
              (!ranged || buffer_get(payload, net->ranges, ranges_size(net)));
  if (!fine)
    error_set(err, "%s: damaged: %zu bytes of weights where its shape needs %zu", path, held,
              params + stats + ranges_size(net));
  else if (!net_is_finite(net))
    fine =
        error_set(err, "%s: holds numbers that are not finite; train again from an earlier checkpoint", path);
  if (fine) return net;
  net_free(net);
  return NULL;
}

Net *net_load(const char *path, const char *game, char *game_name, char *note, Error *err) {
  Buffer payload = {0};
  Header header;
  Net *net = NULL;
  uint32_t version; /* older ones end sooner */
  if (file_read_block(path, MAGIC, VERSION, &version, &payload, err))
    net = read_net(path, game, &payload, &header, err);
  buffer_free(&payload);
  if (net && game_name) memcpy(game_name, header.game, GAME_TEXT);
  if (net && note) memcpy(note, header.note, NOTE_TEXT);
  return net;
}

uint32_t net_hash(const Net *net) {
  uLong crc = crc32_z(0, (const Bytef *)&net->shape, sizeof net->shape);
  crc = crc32_z(crc, (const Bytef *)net->params, net->param_count * sizeof *net->params);
  return (uint32_t)crc32_z(crc, (const Bytef *)net->stats, net->stat_count * sizeof *net->stats);
}
