#include "cli/tensorboard.h"

#include <math.h>
#include <string.h>

enum { FIXED64 = 1, LENGTH = 2, FIXED32 = 5, VARINT = 0 }; /* wire types */

uint32_t tensorboard_crc(const void *bytes, size_t size) {
  const uint8_t *at = bytes;
  uint32_t crc = 0xffffffffu;
  while (size--) {
    crc ^= *at++;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1u)));
  }
  return ~crc;
}

static void put_little(Buffer *out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) {
    uint8_t byte = (uint8_t)(value >> (8 * i));
    buffer_put(out, &byte, 1);
  }
}

static void put_varint(Buffer *out, uint64_t value) {
  do {
    uint8_t byte = (uint8_t)((value & 127) | (value > 127 ? 128 : 0));
    buffer_put(out, &byte, 1);
    value >>= 7;
  } while (value);
}

static void put_key(Buffer *out, unsigned field, unsigned wire) {
  put_varint(out, field << 3 | wire);
}

static void put_bytes(Buffer *out, unsigned field, const void *bytes, size_t size) {
  put_key(out, field, LENGTH);
  put_varint(out, size);
  buffer_put(out, bytes, size);
}

static void put_double(Buffer *out, unsigned field, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_key(out, field, FIXED64);
  put_little(out, bits, 8);
}

static void put_float(Buffer *out, unsigned field, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_key(out, field, FIXED32);
  put_little(out, bits, 4);
}

static uint32_t masked_crc(const void *bytes, size_t size) {
  uint32_t crc = tensorboard_crc(bytes, size);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

static void put_record(Buffer *out, Buffer *event) {
  size_t start = out->size;
  put_little(out, event->size, 8);
  put_little(out, masked_crc(out->data + start, 8), 4);
  buffer_put(out, event->data, event->size);
  put_little(out, masked_crc(event->data, event->size), 4);
  buffer_free(event);
}

TensorBoard tensorboard_new(void) {
  static const char version[] = "brain.Event:2";
  TensorBoard events = {0};
  Buffer event = {0};
  put_double(&event, 1, 0);
  put_bytes(&event, 3, version, sizeof version - 1);
  put_record(&events.bytes, &event);
  return events;
}

void tensorboard_scalar(TensorBoard *events, const char *tag, int64_t step, double wall_time, double value) {
  Buffer inner = {0}, summary = {0}, event = {0};
  if (!isfinite(value)) return;
  put_bytes(&inner, 1, tag, strlen(tag));
  put_float(&inner, 2, (float)value);
  put_bytes(&summary, 1, inner.data, inner.size);
  put_double(&event, 1, isfinite(wall_time) ? wall_time : 0);
  put_key(&event, 2, VARINT);
  put_varint(&event, (uint64_t)step);
  put_bytes(&event, 5, summary.data, summary.size);
  put_record(&events->bytes, &event);
  buffer_free(&inner);
  buffer_free(&summary);
}

Buffer tensorboard_finish(TensorBoard *events) {
  Buffer bytes = events->bytes;
  *events = (TensorBoard){0};
  return bytes;
}
