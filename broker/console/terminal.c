#include "broker/console/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "common/clock.h"

/* The other screen, no cursor; and back. */
#define TAKE_OVER "\033[?1049h\033[?25l\033[2J"
#define GIVE_BACK "\033[0m\033[?25h\033[?1049l"

static void our_signals(sigset_t *set)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH, SIGCONT};

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(set, signals[i]);
}

static bool set_raw(const struct termios *before)
{
	struct termios raw = *before;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	return tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0 && terminal_write(span_text(TAKE_OVER));
}

enum wsb_err terminal_take(struct terminal *terminal)
{
	sigset_t signals;

	*terminal = (struct terminal){.signal_fd = -1};
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return WSB_EUNAVAIL;
	if (tcgetattr(STDIN_FILENO, &terminal->before) != 0)
		return WSB_EIO;
	our_signals(&signals);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
		return WSB_EIO;
	terminal->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	terminal->taken = true;
	if (terminal->signal_fd < 0 || !set_raw(&terminal->before)) {
		terminal_give_back(terminal);
		return WSB_EIO;
	}
	return WSB_OK;
}

void terminal_give_back(struct terminal *terminal)
{
	sigset_t signals;

	if (!terminal->taken)
		return;
	terminal->taken = false;
	tcsetattr(STDIN_FILENO, TCSANOW, &terminal->before);
	(void)terminal_write(span_text(GIVE_BACK));
	if (terminal->signal_fd >= 0)
		close(terminal->signal_fd);
	our_signals(&signals);
	sigprocmask(SIG_UNBLOCK, &signals, NULL);
}

void terminal_size(size_t *rows, size_t *columns)
{
	struct winsize size;

	*rows = 24;
	*columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
		return;
	*rows = size.ws_row;
	*columns = size.ws_col;
}

bool terminal_write(struct span bytes)
{
	while (bytes.len > 0) {
		ssize_t written = write(STDOUT_FILENO, bytes.at, bytes.len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		bytes = span_of(bytes.at + written, bytes.len - (size_t)written);
	}
	return true;
}

/* ^Z: as every program does, with the terminal as it was meanwhile. */
static enum terminal_event stop_for_a_while(struct terminal *terminal)
{
	sigset_t stop;

	tcsetattr(STDIN_FILENO, TCSANOW, &terminal->before);
	(void)terminal_write(span_text(GIVE_BACK));
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &stop, NULL);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	return set_raw(&terminal->before) ? TERMINAL_RESUMED : TERMINAL_END;
}

static enum terminal_event take_signal(struct terminal *terminal)
{
	struct signalfd_siginfo info;

	if (read(terminal->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return TERMINAL_NOTHING;
	switch (info.ssi_signo) {
	case SIGWINCH:
		return TERMINAL_RESIZED;
	case SIGCONT:
		return TERMINAL_RESUMED;
	case SIGTSTP:
		return stop_for_a_while(terminal);
	default:
		return TERMINAL_END;
	}
}

enum terminal_event terminal_wait(struct terminal *terminal, uint64_t timeout_us, char *key)
{
	struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
				{.fd = terminal->signal_fd, .events = POLLIN}};
	int count = poll(fds, 2, (int)((timeout_us + US_PER_MS - 1) / US_PER_MS));

	if (count < 0 && errno != EINTR)
		return TERMINAL_END;
	if (count <= 0)
		return TERMINAL_NOTHING;
	if (fds[1].revents)
		return take_signal(terminal);
	if (fds[0].revents & POLLIN)
		return read(STDIN_FILENO, key, 1) == 1 ? TERMINAL_KEY : TERMINAL_END;
	return TERMINAL_END;
}
