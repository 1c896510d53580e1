/* Files: atomic writes, and checked gzip blocks.
 *
 * Everything a run keeps is written to a temporary name in the file's folder, flushed to disk and renamed, so
 * that a kill at any instant leaves either the old file or the new one. Binary files are gzip (standard tools
 * open them) around one block:  8 bytes magic | u32 version | u32 CRC-32 of the payload | u64 payload size |
 * payload. Integers are little-endian. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { FILE_PATH_MAX = 1024 };

/* A growing byte string. Zero-initialise it; release it with buffer_free(). */
typedef struct Buffer {
  uint8_t *data;
  size_t size, capacity;
  size_t position; /* of the next buffer_get() */
} Buffer;

void buffer_put(Buffer *buffer, const void *bytes, size_t size);
void buffer_printf(Buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Copies the next `size` bytes out; false, leaving `out` alone, where fewer are left. */
bool buffer_get(Buffer *buffer, void *out, size_t size);
void buffer_free(Buffer *buffer);

/* Creates the folder and its parents; no error if it is there. */
bool file_make_folder(const char *path, Error *err);
bool file_exists(const char *path);
/* Replaces the file `path`, or the one it is a link to, by these bytes, atomically. On failure (a full disk,
 * say) the old file is untouched. A device, a pipe or this process's own output is written as it is. */
bool file_write(const char *path, const void *bytes, size_t size, Error *err);
/* Whether file_write() may be expected to succeed: the file's folder, or the device, may be written to. To be
 * asked before work whose result goes to `path`. */
bool file_may_write(const char *path, Error *err);
/* Removes what file_write() left in the folder in processes that were killed; for whoever holds the folder's
 * lock. */
void file_remove_temporaries(const char *folder);
/* Reads a whole file, gzip or plain, into an empty buffer. */
bool file_read(const char *path, Buffer *out, Error *err);
/* The same of a text, which then ends with a zero byte; one that holds a zero byte before is no text. */
bool file_read_text(const char *path, Buffer *out, Error *err);
/* How a block is packed, all readable as gzip: as small as may be; floats, which only their sign and exponent
 * let shrink, in less than half the time; not at all, for what is soon replaced. */
typedef enum BlockPacking { BLOCK_SMALL, BLOCK_FLOATS, BLOCK_STORED } BlockPacking;
/* Writes a checked block; `magic` is 8 characters. */
bool file_write_block(const char *path, const char magic[8], uint32_t version, BlockPacking packing,
                      const Buffer *payload, Error *err);
/* Reads and verifies a block. Refuses another magic, a version above `newest`, a wrong size or checksum. The
 * version found goes to *version; where that is NULL no older one than `newest` is read either. err->unread
 * is set where the file is not damaged: it cannot be opened, or another version of selfplay wrote it. */
bool file_read_block(const char *path, const char magic[8], uint32_t newest, uint32_t *version,
                     Buffer *payload, Error *err);
/* Renames a damaged file to PATH.damaged, or .damaged2 and so on where that exists, so that nobody reads it
 * again and nothing is deleted. */
bool file_set_aside(const char *path, Error *err);

/* Writes into `out` (FILE_PATH_MAX bytes) where the shipped file `relative` ("configs/connect4.conf") lies:
 * under $SELFPLAY_DATA, beside the executable's build folder, or under PREFIX/share/selfplay. */
bool file_find_shipped(const char *relative, char *out, Error *err);

#endif
