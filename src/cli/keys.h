/* One command at a time from the person: single keys in a terminal, words from a pipe. */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include <stdbool.h>
#include <stddef.h>

/* Switches the terminal to single keys; it is switched back at exit and by signals. False where stdin is
 * none. */
bool keys_open(void);
void keys_close(void);
/* The next key as a word: a printable character, "left", "right", "up", "down", "enter"; false at the end of
 * input. */
bool keys_read(char *word, size_t size);
/* The next blank-separated word of a pipe; false at the end. */
bool keys_read_word(char *word, size_t size);

#endif
