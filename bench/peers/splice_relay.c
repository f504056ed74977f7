/*
 * The relay that others are measured against: one process, epoll, splice through a pipe of 1 MiB for each direction.
 *
 *     cc -O2 -o splice_relay splice_relay.c && ./splice_relay PORT
 *
 * Relays to 127.0.0.1:PORT, and prints where it listens.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIZE (1024 * 1024)

struct way {
  int from, to, pipe[2];
  int held; /* bytes in the pipe */
  int ended;
};

struct connection {
  int fds[2];
  struct way ways[2];
};

static int pump(struct way *way) {
  for (;;) {
    while (way->held > 0) {
      ssize_t n = splice(way->pipe[0], NULL, way->to, NULL, way->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (n < 0) return errno == EAGAIN ? 0 : -1;
      way->held -= n;
    }
    if (way->ended) return 0;
    ssize_t n = splice(way->from, NULL, way->pipe[1], NULL, SIZE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (n < 0) return errno == EAGAIN ? 0 : -1;
    if (n == 0) {
      way->ended = 1;
      shutdown(way->to, SHUT_WR);
      return 0;
    }
    way->held = n;
  }
}

static void prepare(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd, F_SETFL, O_NONBLOCK);
}

int main(int argc, char **argv) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_in far = address;
  far.sin_port = htons(argc > 1 ? atoi(argv[1]) : 0);
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0), poller = epoll_create1(0);
  bind(listener, (struct sockaddr *)&address, length);
  listen(listener, 1024);
  getsockname(listener, (struct sockaddr *)&address, &length);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[64];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  printf("Listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    int count = epoll_wait(poller, events, 64, -1);
    for (int i = 0; i < count; i++) {
      struct connection *c = events[i].data.ptr;
      if (c == NULL) {
        c = calloc(1, sizeof *c);
        c->fds[0] = accept(listener, NULL, NULL);
        c->fds[1] = socket(AF_INET, SOCK_STREAM, 0);
        connect(c->fds[1], (struct sockaddr *)&far, sizeof far);
        for (int w = 0; w < 2; w++) {
          prepare(c->fds[w]);
          c->ways[w].from = c->fds[w];
          c->ways[w].to = c->fds[1 - w];
          if (pipe2(c->ways[w].pipe, O_NONBLOCK) < 0) return 1;
          fcntl(c->ways[w].pipe[1], F_SETPIPE_SZ, SIZE);
          event.events = EPOLLIN | EPOLLOUT | EPOLLET;
          event.data.ptr = c;
          epoll_ctl(poller, EPOLL_CTL_ADD, c->fds[w], &event);
        }
        continue;
      }
      int failed = pump(&c->ways[0]) < 0 || pump(&c->ways[1]) < 0;
      int over = c->ways[0].ended && c->ways[1].ended && c->ways[0].held + c->ways[1].held == 0;
      if (!failed && !over) continue;
      for (int w = 0; w < 2; w++) {
        close(c->fds[w]);
        close(c->ways[w].pipe[0]);
        close(c->ways[w].pipe[1]);
      }
      /* Events of the other descriptor may still be in this round: keep it until the next, that is, for ever. */
      c->ways[0].ended = c->ways[1].ended = 1;
    }
  }
}
