/* One command at a time from the person: single keys in a terminal, words from a pipe. */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include <stdbool.h>
#include <stddef.h>

/* Switches the terminal to single keys. It is switched back at exit, by signals that end the program, and by
 * the shell when the program is suspended. False where stdin is none. */
bool keys_open(void);
void keys_close(void);
/* The next key as a word: a printable character, "left", "right", "up", "down", "enter", "" for other keys,
 * or "redraw" where the screen must be drawn anew; false at the end of input. */
bool keys_read(char *word, size_t size);
/* Asks for a word to be typed as a line, between keys; "" where only Enter was pressed. False at the end of
 * input. */
bool keys_ask(const char *prompt, char *word, size_t size);
/* The next blank-separated word of a pipe; false at the end. */
bool keys_read_word(char *word, size_t size);

#endif
