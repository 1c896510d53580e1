/* TensorBoard's event files, scalars only, written by hand: the format is small and stable.
 *
 * A file is a chain of TFRecords (TensorFlow, lib/io/record_writer.h):
 *   u64 length | u32 masked CRC-32C of these 8 bytes | data | u32 masked CRC-32C of the data (little-endian)
 *   masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8
 * Each record is a protocol buffer (tensorflow/core/util/event.proto, framework/summary.proto):
 *   Event   { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
 *   Summary { repeated Value value = 1; }    Value { string tag = 1; float simple_value = 2; }
 * and the first one carries file_version "brain.Event:2". */
#ifndef CLI_TENSORBOARD_H
#define CLI_TENSORBOARD_H

#include "base/file.h"

#include <stdint.h>

typedef struct TensorBoard {
  Buffer bytes;
} TensorBoard;

TensorBoard tensorboard_new(void);
/* Appends one value of the series `tag` ("group/name"); `wall_time` in seconds. Values that are not finite
 * are left out. */
void tensorboard_scalar(TensorBoard *events, const char *tag, int64_t step, double wall_time, double value);
/* The file's bytes, which become the caller's; its name must begin with "events.out.tfevents.". */
Buffer tensorboard_finish(TensorBoard *events);
/* CRC-32C (Castagnoli; RFC 3720, B.4). */
uint32_t tensorboard_crc(const void *bytes, size_t size);

#endif
