/*
 * The hello server as the least that C can do: it counts the ends of heads, and answers each with the same text.
 *
 *     cc -O2 -o epoll_server epoll_server.c && ./epoll_server
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER \
  "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\ncontent-length: 6\r\n\r\nHello!"
#define MOST_AT_ONCE 64
#define MOST_DESCRIPTORS (1 << 20)

/* How many characters of "\r\n\r\n" have come last, by descriptor. */
static unsigned char matched[MOST_DESCRIPTORS];

int main(void) {
  int size = sizeof ANSWER - 1, on = 1;
  static char answers[MOST_AT_ONCE * sizeof ANSWER];
  for (int i = 0; i < MOST_AT_ONCE; i++) memcpy(answers + i * size, ANSWER, size);

  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(listener, (void *)&address, length) || listen(listener, 4096)) return perror("listen"), 1;
  getsockname(listener, (void *)&address, &length);
  printf("Listening on http://127.0.0.1:%d/\n", ntohs(address.sin_port));
  fflush(stdout);

  int set = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[512];
  epoll_ctl(set, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int ready = epoll_wait(set, events, 512, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        for (int client; (client = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
          setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
          event.data.fd = client;
          matched[client] = 0;
          epoll_ctl(set, EPOLL_CTL_ADD, client, &event);
        }
        continue;
      }
      char buffer[16384];
      int received = recv(fd, buffer, sizeof buffer, 0), requests = 0;
      if (received <= 0) {
        close(fd);
        continue;
      }
      for (int j = 0; j < received; j++) {
        if (buffer[j] == "\r\n\r\n"[matched[fd]]) matched[fd]++;
        else matched[fd] = buffer[j] == '\r';
        if (matched[fd] == 4) matched[fd] = 0, requests++;
      }
      for (; requests > 0; requests -= MOST_AT_ONCE) {
        int n = requests < MOST_AT_ONCE ? requests : MOST_AT_ONCE;
        if (send(fd, answers, n * size, MSG_NOSIGNAL) != n * size) close(fd);
      }
    }
  }
}
