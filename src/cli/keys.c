#include "cli/keys.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { SEQUENCE_MS = 50 }; /* the bytes of an arrow key come together; Escape comes alone */

/* The terminal as it was found: a signal handler must be able to reach it. */
static struct termios before;
static volatile sig_atomic_t changed, disturbed;

static bool set_single(void) {
  struct termios single = before;
  single.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  single.c_cc[VMIN] = 1;
  single.c_cc[VTIME] = 0;
  return tcsetattr(STDIN_FILENO, TCSANOW, &single) == 0;
}

void keys_close(void) {
  if (changed) tcsetattr(STDIN_FILENO, TCSANOW, &before);
  changed = 0;
}

static void on_end(int number) {
  keys_close();
  signal(number, SIG_DFL);
  raise(number);
}

/* The window has another size, or the shell has brought the program back to the foreground. */
static void on_disturbance(int number) {
  if (number == SIGCONT && changed) set_single();
  disturbed = 1;
}

bool keys_open(void) {
  if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0 || !set_single()) return false;
  static bool registered;
  if (!registered) atexit(keys_close);
  registered = true;
  changed = 1;
  const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT}, disturbances[] = {SIGWINCH, SIGCONT};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) signal(ends[i], on_end);
  struct sigaction action = {.sa_handler = on_disturbance}; /* without SA_RESTART: it must interrupt read() */
  for (size_t i = 0; i < 2; i++) sigaction(disturbances[i], &action, NULL);
  return true;
}

/* 1: a byte; 0: the end of the input; -1: interrupted. */
static int read_byte(char *byte) {
  ssize_t size = read(STDIN_FILENO, byte, 1);
  return size < 0 && errno == EINTR ? -1 : size == 1;
}

static bool more_soon(void) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&input, 1, SEQUENCE_MS) == 1;
}

/* What follows an Escape: ESC [ or ESC O, parameters, and a last byte that names the key (ECMA-48, 5.4). */
static const char *read_sequence(void) {
  static const char *const arrows[] = {"up", "down", "right", "left"};
  char byte;
  if (!more_soon() || read_byte(&byte) != 1 || (byte != '[' && byte != 'O')) return "";
  do
    if (!more_soon() || read_byte(&byte) != 1) return "";
  while (byte < '@' || byte > '~');
  return byte >= 'A' && byte <= 'D' ? arrows[byte - 'A'] : "";
}

bool keys_read(char *word, size_t size) {
  char byte;
  int got;
  if (disturbed || (got = read_byte(&byte)) < 0) {
    disturbed = 0;
    snprintf(word, size, "redraw");
    return true;
  }
  if (got == 0 || byte == 4) return false; /* 4: Ctrl-D */
  if (byte == '\033')
    snprintf(word, size, "%s", read_sequence());
  else if (byte == '\n' || byte == '\r')
    snprintf(word, size, "enter");
  else
    snprintf(word, size, "%c", isprint((unsigned char)byte) ? byte : 0);
  return true;
}

bool keys_ask(const char *prompt, char *word, size_t size) {
  char byte = 0;
  size_t length = 0;
  int got;
  keys_close(); /* a word is easier to type as a line */
  printf("%s: ", prompt);
  fflush(stdout);
  while ((got = read_byte(&byte)) != 0 && byte != '\n')
    if (got == 1 && !isspace((unsigned char)byte) && length + 1 < size) word[length++] = byte;
  word[length] = 0;
  keys_open();
  return got != 0;
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
