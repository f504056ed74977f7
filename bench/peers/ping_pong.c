/*
 * Ping-pong of a line on so many connections at once, for so long; prints the round trips of a second.
 *
 *     cc -O2 -o ping_pong ping_pong.c && ./ping_pong PORT CONNECTIONS SECONDS [BYTES]
 *
 * Without BYTES it is a line of 20 bytes.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINE "the quick brown fox\n"
#define MOST 4096
#define LONGEST (64 * 1024)

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

int main(int count, char **args) {
  if (count != 4 && count != 5) return fprintf(stderr, "usage: ping_pong PORT CONNECTIONS SECONDS [BYTES]\n"), 1;
  static char line[LONGEST] = LINE, buffer[LONGEST + 1];
  int connections = atoi(args[2]), size = strlen(LINE);
  if (count == 5) {
    size = atoi(args[4]);
    if (size < 1 || size > LONGEST) return fprintf(stderr, "1 to %d bytes\n", LONGEST), 1;
    memset(line, 'x', size);
    line[size - 1] = '\n';
  }
  if (connections < 1 || connections > MOST) return fprintf(stderr, "1 to %d connections\n", MOST), 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(args[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  static int received[1 << 16];
  int set = epoll_create1(0), on = 1;
  for (int i = 0; i < connections; i++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (void *)&address, sizeof address)) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
    if (send(fd, line, size, 0) != size) fail("send");
  }
  double begin = now(), end = begin + atof(args[3]);
  long trips = 0;
  for (;;) {
    struct epoll_event events[64];
    int ready = epoll_wait(set, events, 64, 1000);
    double t = now();
    if (t >= end) break;
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd, length = recv(fd, buffer, sizeof buffer, 0);
      if (length <= 0) fail("recv");
      received[fd] += length;
      if (received[fd] < size) continue;
      if (received[fd] > size || memcmp(buffer + length - 1, "\n", 1)) return fprintf(stderr, "not what was sent\n"), 1;
      received[fd] = 0;
      trips++;
      if (send(fd, line, size, 0) != size) fail("send");
    }
  }
  printf("%.0f\n", trips / (now() - begin));
  return 0;
}
