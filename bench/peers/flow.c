/*
 * The ends of what is measured: where bytes come from and go to, at as little cost as can be.
 *
 *     cc -O2 -o flow flow.c
 *     ./flow sink                      prints for each connection how many bytes it brought, in how many seconds
 *     ./flow echo                      sends back what it is sent
 *     ./flow send PORT MIB             sends so much, and waits for the end
 *     ./flow download PORT PATH MIB    downloads by HTTP/1.0, checks the size, prints the seconds
 *
 * `sink` and `echo` print where they listen.
 */
#define _GNU_SOURCE
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

#define SIZE (256 * 1024)

static char buffer[SIZE];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void send_all(int fd, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
    if (n < 0) fail("send");
    bytes += n;
    size -= n;
  }
}

static struct sockaddr_in local(int port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int listening(void) {
  struct sockaddr_in address = local(0);
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(fd, (void *)&address, length) || listen(fd, 1024)) fail("listen");
  getsockname(fd, (void *)&address, &length);
  printf("Listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

static int connected(const char *port) {
  struct sockaddr_in address = local(atoi(port));
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (void *)&address, sizeof address)) fail("connect");
  return fd;
}

/*
 * On the loopback whoever sends pays for waking who receives. That would be the most of what a relay is seen to cost, and
 * differs from run to run: so receivers wake once for a mebibyte.
 */
static void wake_seldom(int fd) {
  int size = 1024 * 1024;
  setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &size, sizeof size);
}

/* One connection after the other; those that bring nothing do not count. */
static void sink(void) {
  int listener = listening();
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) fail("accept");
    wake_seldom(fd);
    double begin = now();
    long long sum = 0;
    for (ssize_t n; (n = recv(fd, buffer, SIZE, 0)) > 0;) sum += n;
    if (sum > 0) printf("%lld %f\n", sum, now() - begin);
    fflush(stdout);
    close(fd);
  }
}

/* Many connections; none of them has more under way than its buffers hold. */
static void echo(void) {
  int listener = listening(), set = epoll_create1(0), on = 1;
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[64];
  epoll_ctl(set, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int ready = epoll_wait(set, events, 64, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        event.data.fd = accept(listener, NULL, NULL);
        setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_ctl(set, EPOLL_CTL_ADD, event.data.fd, &event);
        continue;
      }
      ssize_t n = recv(fd, buffer, SIZE, 0);
      if (n <= 0 || send(fd, buffer, n, MSG_NOSIGNAL) < 0) close(fd);
    }
  }
}

static void send_mebibytes(const char *port, long long size) {
  int fd = connected(port);
  memset(buffer, 'x', SIZE);
  for (long long left = size; left > 0; left -= SIZE) send_all(fd, buffer, SIZE);
  shutdown(fd, SHUT_WR);
  while (recv(fd, buffer, SIZE, 0) > 0) continue;
}

static void download(const char *port, const char *path, long long size) {
  int fd = connected(port);
  double begin = now();
  long long sum = 0;
  int length = snprintf(buffer, SIZE, "GET %s HTTP/1.0\r\n\r\n", path);
  send_all(fd, buffer, length);
  ssize_t n = recv(fd, buffer, SIZE - 1, 0);
  if (n <= 0) fail("recv");
  buffer[n] = 0;
  char *body = strstr(buffer, "\r\n\r\n");
  if (strncmp(buffer + 8, " 200", 4) || body == NULL) {
    fprintf(stderr, "not the file: %s\n", buffer);
    exit(1);
  }
  sum = buffer + n - (body + 4);
  wake_seldom(fd);
  while ((n = recv(fd, buffer, SIZE, 0)) > 0) sum += n;
  if (sum != size) {
    fprintf(stderr, "%lld bytes expected, %lld received\n", size, sum);
    exit(1);
  }
  printf("%f\n", now() - begin);
}

int main(int count, char **args) {
  const char *mode = count > 1 ? args[1] : "";
  if (!strcmp(mode, "sink")) sink();
  if (!strcmp(mode, "echo")) echo();
  if (!strcmp(mode, "send") && count == 4) return send_mebibytes(args[2], atoll(args[3]) << 20), 0;
  if (!strcmp(mode, "download") && count == 5) return download(args[2], args[3], atoll(args[4]) << 20), 0;
  return fprintf(stderr, "usage: flow sink | echo | send PORT MIB | download PORT PATH MIB\n"), 1;
}
