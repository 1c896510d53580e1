/* `selfplay play` as a person meets it: in a terminal (a pseudo-terminal here) and through a pipe. */
#include "base/clock.h"
#include "base/file.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static const char *binary(void) {
  const char *path = getenv("SELFPLAY_BIN");
  return path ? path : "build/selfplay";
}

typedef struct Terminal {
  int master, slave;
  pid_t child;
  Buffer screen; /* all that was written to it */
} Terminal;

/* Starts `selfplay play random --threads 1` (and one more option or NULL) in a terminal of its own. */
static Terminal terminal_new(const char *option) {
  Terminal terminal = {.master = posix_openpt(O_RDWR | O_NOCTTY)};
  cr_assert(terminal.master >= 0 && grantpt(terminal.master) == 0 && unlockpt(terminal.master) == 0);
  terminal.slave = open(ptsname(terminal.master), O_RDWR | O_NOCTTY);
  cr_assert(terminal.slave >= 0);
  struct winsize size = {.ws_row = 30, .ws_col = 80};
  ioctl(terminal.slave, TIOCSWINSZ, &size);
  terminal.child = fork();
  cr_assert(terminal.child >= 0);
  if (terminal.child == 0) {
    setsid();
    ioctl(terminal.slave, TIOCSCTTY, 0);
    for (int i = 0; i < 3; i++) dup2(terminal.slave, i);
    setenv("TERM", "xterm", 1);
    execl(binary(), "selfplay", "play", "random", "--threads", "1", option, (char *)NULL);
    _exit(127);
  }
  return terminal;
}

/* Reads what the program writes until it has written `text` after byte `from`; fails after a minute. */
static void wait_for(Terminal *terminal, const char *text, size_t from) {
  double end = clock_wall() + 60;
  for (;;) {
    if (terminal->screen.size > from) {
      buffer_put(&terminal->screen, "", 1);
      terminal->screen.size--;
      if (strstr((char *)terminal->screen.data + from, text)) return;
    }
    cr_assert_lt(clock_wall(), end, "no '%s' in: %s", text,
                 terminal->screen.data ? (char *)terminal->screen.data + from : "");
    struct pollfd input = {.fd = terminal->master, .events = POLLIN};
    char piece[4096];
    if (poll(&input, 1, 200) != 1) continue;
    ssize_t size = read(terminal->master, piece, sizeof piece);
    if (size > 0) buffer_put(&terminal->screen, piece, (size_t)size);
  }
}

static void type(Terminal *terminal, const char *keys) {
  cr_assert_eq(write(terminal->master, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static bool single_keys(const Terminal *terminal) {
  struct termios mode;
  cr_assert_eq(tcgetattr(terminal->slave, &mode), 0);
  return !(mode.c_lflag & (ICANON | ECHO));
}

static bool as_found(const Terminal *terminal) {
  struct termios mode;
  cr_assert_eq(tcgetattr(terminal->slave, &mode), 0);
  return (mode.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO);
}

static int terminal_end(Terminal *terminal) {
  int status;
  cr_assert_eq(waitpid(terminal->child, &status, 0), terminal->child);
  cr_assert(as_found(terminal), "the terminal is left in another mode");
  close(terminal->master), close(terminal->slave);
  buffer_free(&terminal->screen);
  return status;
}

Test(play, restores_the_terminal_after_any_end, .timeout = 300) {
  static const int ends[] = {SIGTERM, SIGHUP, SIGINT, 0};
  for (int i = 0; i < 4; i++) {
    Terminal terminal = terminal_new(NULL);
    wait_for(&terminal, "(? help)", 0);
    cr_assert(single_keys(&terminal));
    if (ends[i] == SIGINT)
      type(&terminal, "\003");
    else if (ends[i])
      kill(terminal.child, ends[i]);
    else
      type(&terminal, "q");
    int status = terminal_end(&terminal);
    if (ends[i])
      cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == ends[i]);
    else
      cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
}

Test(play, goes_on_after_suspension_and_resizing, .timeout = 300) {
  Terminal terminal = terminal_new(NULL);
  wait_for(&terminal, "(? help)", 0);
  /* A shell takes its terminal back while the program is stopped. */
  struct termios mode;
  int status;
  kill(terminal.child, SIGSTOP);
  cr_assert_eq(waitpid(terminal.child, &status, WUNTRACED), terminal.child);
  tcgetattr(terminal.slave, &mode);
  mode.c_lflag |= ICANON | ECHO;
  tcsetattr(terminal.slave, TCSANOW, &mode);
  size_t seen = terminal.screen.size;
  kill(terminal.child, SIGCONT);
  wait_for(&terminal, "(? help)", seen);
  cr_assert(single_keys(&terminal));
  seen = terminal.screen.size;
  struct winsize size = {.ws_row = 20, .ws_col = 40};
  ioctl(terminal.slave, TIOCSWINSZ, &size);
  wait_for(&terminal, "(? help)", seen);
  type(&terminal, "q");
  terminal_end(&terminal);
}

Test(play, keys_do_what_the_help_says, .timeout = 300) {
  Terminal terminal = terminal_new("--ascii");
  wait_for(&terminal, "(? help)", 0);
  static const char *const steps[][2] = {
      {"4", "random plays"}, {"u", "taken back"},     {"\033[D\r", "random plays"}, /* left of the middle: 3
                                                                                     */
      {"h", "hint: "},       {"?", "u: undo"},        {"s", "you: O red"},          {"v", "does not search"},
      {"m", "move: "},       {"1\r", "random plays"}, {"\033", "(? help)"},         {"x", "neither a move"},
      {"n", "random plays"},
  };
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    size_t seen = terminal.screen.size;
    type(&terminal, steps[i][0]);
    wait_for(&terminal, steps[i][1], seen);
    /* The rest of the screen too, lest it be taken for an answer to the next key. */
    seen = (size_t)(strstr((char *)terminal.screen.data + seen, steps[i][1]) - (char *)terminal.screen.data);
    if (!strstr(steps[i][1], "move: ")) wait_for(&terminal, "(? help)", seen);
    if (i == 2)
      cr_assert(strstr((char *)terminal.screen.data, "| .  . (X) "), "%s", (char *)terminal.screen.data);
  }
  type(&terminal, "\004"); /* Ctrl-D */
  cr_assert_eq(terminal_end(&terminal), 0);
}

/* The output of a session whose input comes from a pipe, and its exit code. */
static int piped(const char *input, const char *arguments, Buffer *out) {
  char command[1024], piece[4096];
  size_t size;
  snprintf(command, sizeof command, "printf '%s' | %s play --threads 1 %s 2>&1", input, binary(), arguments);
  FILE *pipe = popen(command, "r");
  cr_assert(pipe);
  while ((size = fread(piece, 1, sizeof piece, pipe)) > 0) buffer_put(out, piece, size);
  buffer_put(out, "", 1);
  int status = pclose(pipe);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(play, takes_moves_from_a_pipe, .timeout = 300) {
  static const struct {
    const char *input, *arguments, *wanted;
    int code;
  } cases[] = {
      {"4 5 4 5 4 5 4", "human", "yellow wins.", 0},
      {"4 4 quit", "human", "(O)", 0},
      {"4 8", "human", "neither a move nor a command", 1},
      {"4 4 4 4 4 4 4", "human", "illegal here", 1},
      {"undo", "human", "nothing to undo", 0},
      {"4 4 undo 5", "human", "(O)", 0},
      {"visits 16 4 info 3 hint", "mcts:50", "win ", 0},
      {"visits none", "mcts:50", "visits need a whole number", 1},
      {"swap", "random --moves 44", "you: O red", 0},
      {"4", "rnadom", "no run or .net file is called 'rnadom'", 2},
      {"", "random --visits 5", "--visits: random does not search by simulations", 2},
      {"", "solver --visits 5", "--visits: solver does not search by simulations", 2},
      {"", "random --side third", "first or second", 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Buffer out = {0};
    int code = piped(cases[i].input, cases[i].arguments, &out);
    cr_assert_eq(code, cases[i].code, "%s: %d: %s", cases[i].input, code, (char *)out.data);
    cr_assert(strstr((char *)out.data, cases[i].wanted), "%s: %s", cases[i].input, (char *)out.data);
    cr_assert_null(strchr((char *)out.data, '\033'), "escapes in a pipe");
    buffer_free(&out);
  }
}
