#include "cli/keys.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* The terminal as it was found: a signal handler must be able to reach it. */
static struct termios before;
static volatile sig_atomic_t changed;

void keys_close(void) {
  if (changed) tcsetattr(STDIN_FILENO, TCSANOW, &before);
  changed = 0;
}

static void on_signal(int number) {
  keys_close();
  signal(number, SIG_DFL);
  raise(number);
}

bool keys_open(void) {
  if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0) return false;
  struct termios single = before;
  single.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  single.c_cc[VMIN] = 1;
  single.c_cc[VTIME] = 0;
  if (tcsetattr(STDIN_FILENO, TCSANOW, &single) != 0) return false;
  if (!changed) atexit(keys_close);
  changed = 1;
  const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], on_signal);
  return true;
}

static bool read_byte(char *byte) {
  return read(STDIN_FILENO, byte, 1) == 1;
}

bool keys_read(char *word, size_t size) {
  static const char *const arrows[] = {"up", "down", "right", "left"};
  char byte;
  if (!read_byte(&byte) || byte == 4) return false; /* 4: Ctrl-D */
  if (byte == '\033') {
    char bracket, code;
    if (!read_byte(&bracket) || !read_byte(&code)) return false;
    bool arrow = (bracket == '[' || bracket == 'O') && code >= 'A' && code <= 'D';
    snprintf(word, size, "%s", arrow ? arrows[code - 'A'] : "");
  } else if (byte == '\n' || byte == '\r') {
    snprintf(word, size, "enter");
  } else {
    snprintf(word, size, "%c", isprint((unsigned char)byte) ? byte : 0);
  }
  return true;
}

bool keys_read_word(char *word, size_t size) {
  int c;
  size_t length = 0;
  while ((c = getchar()) != EOF && isspace(c)) {
  }
  for (; c != EOF && !isspace(c); c = getchar())
    if (length + 1 < size) word[length++] = (char)c;
  word[length] = 0;
  return length > 0;
}
