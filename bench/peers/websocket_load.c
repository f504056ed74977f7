/*
 * Clients of a WebSocket server (RFC 6455), on so many connections at once, which check every byte that comes back.
 *
 *     cc -O2 -o websocket_load websocket_load.c && ./websocket_load PORT PATH CONNECTIONS [deflate]
 *
 * Says when all are open, then obeys the orders of its input, and answers each by a line of JSON:
 *
 *     echo IN_FLIGHT BYTES FRAGMENTS SECONDS text|binary
 *         Every connection has so many messages under way, each of FRAGMENTS frames with BYTES of payload, and begins a new
 *         one for each that came back until the time is over. With 0 seconds it sends no more than those.
 *     visit BYTES
 *         One connection after the other sends a message of text, which comes back.
 *     broadcast IN_FLIGHT BYTES MESSAGES
 *         The first connection sends so many messages, which the server sends to all, and waits while IN_FLIGHT of them have
 *         not come everywhere.
 *
 * The end of the input closes all. With deflate it negotiates permessage-deflate (RFC 7692), and its messages are compressed
 * by the format, but not in size; what comes back is counted, not looked at.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 60000 /* ms without anything */
#define CLOSE_SECONDS 10
#define BUFFER (256 * 1024)
#define LETTER 'x' /* of all payload */
#define MOST_FRAMES 64 /* that are sent at once */
enum { CONTINUATION, TEXT, BINARY, CLOSE = 8, PING, PONG, FIN = 128, RSV1 = 64, MASKED = 128 };
/* The sample of RFC 6455 1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

struct connection {
  int fd, waits_to_send;
  /* Receiving: the header so far, then what is left of the payload. */
  unsigned char header[10];
  int header_length;
  uint64_t left, message_bytes;
  /* Sending: so many messages, the first of which has been sent up to a byte of one of its fragments. */
  long to_send, fragment;
  size_t offset;
  /* The answer to the last PING. */
  unsigned char pong[6 + 125];
  int pong_length;
};

/* The frames of a message: the only one, or the first, the ones between, and the last. */
static struct { unsigned char *bytes; size_t length; } frames[4];
static long fragments = 1;
static uint64_t expected;
static int deflate;

static struct connection *connections;
static int count, set;
static long messages; /* that have come */
static uint64_t received;
static unsigned char buffer[BUFFER], letters[BUFFER];
static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};

static void (*arrived)(struct connection *, int);

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void refuse(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static int header_of(unsigned char *to, int first, uint64_t length) {
  int n = 0, bytes = length < 126 ? 0 : length < 65536 ? 2 : 8;
  to[n++] = first;
  to[n++] = MASKED | (bytes == 0 ? length : bytes == 2 ? 126 : 127);
  while (bytes-- > 0) to[n++] = length >> (8 * bytes);
  memcpy(to + n, mask, 4);
  return n + 4;
}

static void prepare(int kind, int first, const unsigned char *payload, size_t length) {
  unsigned char *to = frames[kind].bytes = realloc(frames[kind].bytes, length + 14);
  if (to == NULL) fail("realloc");
  int head = header_of(to, first, length);
  for (size_t i = 0; i < length; i++) to[head + i] = payload[i] ^ mask[i & 3];
  frames[kind].length = head + length;
}

static void prepare_message(size_t bytes, long parts, int opcode) {
  unsigned char *payload = malloc(bytes + 6);
  if (payload == NULL) fail("malloc");
  fragments = parts;
  expected = bytes * parts;
  if (deflate) {
    /* RFC 1951 3.2.4: a stored block; then the first byte of an empty one, whose rest RFC 7692 7.2.1 has removed. */
    if (parts > 1 || bytes > 65535) refuse("A compressed message is one frame of at most 65535 bytes");
    unsigned char block[] = {0, bytes, bytes >> 8, ~bytes, ~(bytes >> 8)};
    memcpy(payload, block, 5);
    memset(payload + 5, LETTER, bytes);
    payload[5 + bytes] = 0;
    prepare(0, FIN | RSV1 | opcode, payload, bytes + 6);
  } else {
    memset(payload, LETTER, bytes);
    prepare(0, FIN | opcode, payload, bytes);
    if (parts > 1) {
      prepare(1, opcode, payload, bytes);
      prepare(2, CONTINUATION, payload, bytes);
      prepare(3, FIN | CONTINUATION, payload, bytes);
    }
  }
  free(payload);
}

static int kind_of(long fragment) {
  return fragments == 1 ? 0 : fragment == 0 ? 1 : fragment < fragments - 1 ? 2 : 3;
}

static void wait_to_send(struct connection *c, int waits) {
  if (c->waits_to_send == waits) return;
  c->waits_to_send = waits;
  struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.ptr = c};
  if (epoll_ctl(set, EPOLL_CTL_MOD, c->fd, &event)) fail("epoll_ctl");
}

/* Sends what it can. A PONG goes between two frames. */
static void flush(struct connection *c) {
  for (;;) {
    if (c->pong_length > 0 && c->offset == 0) {
      ssize_t sent = send(c->fd, c->pong, c->pong_length, MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) return wait_to_send(c, 1);
      if (sent != c->pong_length) fail("send of a PONG");
      c->pong_length = 0;
    }
    struct iovec parts[MOST_FRAMES];
    int n = 0;
    size_t offset = c->offset;
    long fragment = c->fragment, left = c->to_send;
    while (left > 0 && n < MOST_FRAMES) {
      int kind = kind_of(fragment);
      parts[n].iov_base = frames[kind].bytes + offset;
      parts[n++].iov_len = frames[kind].length - offset;
      offset = 0;
      if (++fragment == fragments) fragment = 0, left--;
      if (c->pong_length > 0) break;
    }
    if (n == 0) return wait_to_send(c, 0);
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = n};
    ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return wait_to_send(c, 1);
    if (sent < 0) fail("sendmsg");
    while (sent > 0) {
      size_t rest = frames[kind_of(c->fragment)].length - c->offset;
      if ((size_t)sent < rest) {
        c->offset += sent;
        break;
      }
      sent -= rest;
      c->offset = 0;
      if (++c->fragment == fragments) c->fragment = 0, c->to_send--;
    }
  }
}

static void answer_ping(struct connection *c, const unsigned char *payload, int length) {
  int head = header_of(c->pong, FIN | PONG, length);
  for (int i = 0; i < length; i++) c->pong[head + i] = payload[i] ^ mask[i & 3];
  c->pong_length = head + length;
}

/* The length of a header, of which at least two bytes are there. */
static int header_length(const unsigned char *header) {
  int length = header[1] & 127;
  return length < 126 ? 2 : length == 126 ? 4 : 10;
}

static void begin_frame(struct connection *c) {
  const unsigned char *header = c->header;
  int opcode = header[0] & 15, length = header[1] & 127;
  if (header[1] & MASKED) refuse("A frame of the server is masked");
  if (header[0] & (deflate ? 0x30 : 0x70)) refuse("A frame has bits that were not negotiated");
  if (opcode == CLOSE) refuse("The server has closed a WebSocket");
  if (opcode != CONTINUATION && opcode != TEXT && opcode != BINARY && opcode != PING) refuse("A frame is of no known kind");
  c->left = length;
  if (length > 125) {
    c->left = 0;
    for (int i = 2; i < c->header_length; i++) c->left = c->left << 8 | header[i];
  }
}

/* Takes what was received, and tells of messages that are whole. */
static void take(struct connection *c, const unsigned char *at, size_t length) {
  const unsigned char *end = at + length;
  int whole = 0;
  while (at < end) {
    while (at < end && (c->header_length < 2 || c->header_length < header_length(c->header))) {
      c->header[c->header_length++] = *at++;
      if (c->header_length >= 2 && c->header_length == header_length(c->header)) begin_frame(c);
    }
    if (c->header_length < 2 || c->header_length < header_length(c->header)) break;
    size_t n = c->left < (uint64_t)(end - at) ? c->left : (size_t)(end - at);
    int opcode = c->header[0] & 15;
    if (opcode == PING) {
      if (n < c->left) refuse("A PING came in pieces");
      answer_ping(c, at, n);
    } else {
      if (!deflate && memcmp(at, letters, n)) refuse("The payload is not what was sent");
      c->message_bytes += n;
      received += n;
    }
    at += n;
    c->left -= n;
    if (c->left > 0) break;
    if (opcode != PING && c->header[0] & FIN) {
      if (!deflate && c->message_bytes != expected) refuse("A message has not the length that was sent");
      c->message_bytes = 0;
      whole++;
    }
    c->header_length = 0;
  }
  messages += whole;
  if (whole > 0 && arrived != NULL) arrived(c, whole);
  if (c->pong_length > 0) flush(c);
}

/* One turn; 0 if there is an order or the end of the input. */
static int turn(int obeys) {
  struct epoll_event events[512];
  int ready = epoll_wait(set, events, 512, obeys ? -1 : PATIENCE), ordered = 0;
  if (ready < 0 && errno != EINTR) fail("epoll_wait");
  if (ready == 0) refuse("Nothing came for a minute");
  for (int i = 0; i < ready; i++) {
    struct connection *c = events[i].data.ptr;
    if (c == NULL) {
      ordered = 1;
      continue;
    }
    if (events[i].events & EPOLLOUT) flush(c);
    if (!(events[i].events & ~EPOLLOUT)) continue;
    ssize_t length = recv(c->fd, buffer, sizeof buffer, 0);
    if (length < 0 && errno == EAGAIN) continue;
    if (length < 0) fail("recv");
    if (length == 0) refuse("The server has closed a connection");
    take(c, buffer, length);
  }
  return !ordered;
}

static void watch_input(int watched) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll_ctl(set, watched ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, 0, &event)) fail("epoll_ctl of the input");
}

static void open_one(struct connection *c, int port, const char *path) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int on = 1;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (c->fd < 0 || connect(c->fd, (void *)&address, sizeof address)) fail("connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  char head[4096];
  int length = snprintf(head, sizeof head,
    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
    path, port, deflate ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");
  if (send(c->fd, head, length, MSG_NOSIGNAL) != length) fail("send");
  char *end = NULL;
  for (length = 0; end == NULL;) {
    int n = recv(c->fd, head + length, sizeof head - 1 - length, 0);
    if (n <= 0) fail("The answer to a handshake");
    head[length += n] = 0;
    end = strstr(head, "\r\n\r\n");
  }
  if (strncmp(head, "HTTP/1.1 101 ", 13) || !strstr(head, ACCEPT)) refuse(head);
  if (deflate && !strcasestr(head, "permessage-deflate")) refuse("The server has not agreed to permessage-deflate");
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  if (epoll_ctl(set, EPOLL_CTL_ADD, c->fd, &event)) fail("epoll_ctl");
  end += 4;
  take(c, (unsigned char *)end, head + length - end);
}

static void report(double seconds) {
  printf("{\"messages\":%ld,\"bytes\":%lu,\"seconds\":%.6f}\n", messages, (unsigned long)received, seconds);
  fflush(stdout);
}

static double until;
static long under_way;

static void send_again(struct connection *c, int whole) {
  under_way -= whole;
  if (until == 0 || now() >= until) return;
  under_way += whole;
  c->to_send += whole;
  flush(c);
}

static void echo(long in_flight, double seconds) {
  double begin = now();
  until = seconds == 0 ? 0 : begin + seconds;
  under_way = count * in_flight;
  arrived = send_again;
  messages = received = 0;
  for (int i = 0; i < count; i++) {
    connections[i].to_send = in_flight;
    flush(&connections[i]);
  }
  while (under_way > 0) turn(0);
  report(now() - begin);
}

static void visit(void) {
  double begin = now();
  until = 0;
  arrived = send_again;
  messages = received = 0;
  for (int i = 0; i < count; i++) {
    under_way = connections[i].to_send = 1;
    flush(&connections[i]);
    while (under_way > 0) turn(0);
  }
  report(now() - begin);
}

static long to_broadcast, allowed, begun;

static void broadcast_more(struct connection *c, int whole) {
  (void)c, (void)whole;
  long more = 0;
  while (begun < to_broadcast && begun < messages / count + allowed) begun++, more++;
  if (more == 0) return;
  connections[0].to_send += more;
  flush(&connections[0]);
}

static void broadcast(long in_flight, long number) {
  double begin = now();
  to_broadcast = number;
  allowed = in_flight;
  begun = messages = received = 0;
  arrived = broadcast_more;
  broadcast_more(NULL, 0);
  while (messages < number * count) turn(0);
  report(now() - begin);
}

/* Closes all as RFC 6455 7.1.1 wants it: the server is the first to close the TCP connection. */
static void close_all(void) {
  double end = now() + CLOSE_SECONDS;
  unsigned char frame[6 + 2];
  const unsigned char normal[2] = {1000 >> 8, 1000 & 255};
  int head = header_of(frame, FIN | CLOSE, 2);
  for (int i = 0; i < 2; i++) frame[head + i] = normal[i] ^ mask[i];
  for (int i = 0; i < count; i++) send(connections[i].fd, frame, head + 2, MSG_NOSIGNAL);
  for (int i = 0; i < count; i++) {
    struct pollfd one = {.fd = connections[i].fd, .events = POLLIN};
    int left;
    while ((left = 1000 * (end - now())) > 0 && poll(&one, 1, left) > 0) {
      if (recv(one.fd, buffer, sizeof buffer, 0) <= 0) break;
    }
  }
  if (now() >= end) refuse("The server has not closed all connections");
}

int main(int n, char **args) {
  if (n != 4 && !(n == 5 && !strcmp(args[4], "deflate"))) {
    refuse("usage: websocket_load PORT PATH CONNECTIONS [deflate]");
  }
  deflate = n == 5;
  count = atoi(args[3]);
  if (count < 1) refuse("At least 1 connection");
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  memset(letters, LETTER, sizeof letters);
  connections = calloc(count, sizeof *connections);
  set = epoll_create1(0);
  for (int i = 0; i < count; i++) open_one(&connections[i], atoi(args[1]), args[2]);
  printf("%d are open to 127.0.0.1:%s\n", count, args[1]);
  fflush(stdout);
  char line[256], kind[16];
  for (;;) {
    watch_input(1);
    while (turn(1)) {}
    watch_input(0);
    if (fgets(line, sizeof line, stdin) == NULL) return close_all(), 0;
    long in_flight, bytes, parts, number;
    double seconds;
    if (sscanf(line, "echo %ld %ld %ld %lf %15s", &in_flight, &bytes, &parts, &seconds, kind) == 5) {
      prepare_message(bytes, parts, strcmp(kind, "text") ? BINARY : TEXT);
      echo(in_flight, seconds);
    } else if (sscanf(line, "visit %ld", &bytes) == 1) {
      prepare_message(bytes, 1, TEXT);
      visit();
    } else if (sscanf(line, "broadcast %ld %ld %ld", &in_flight, &bytes, &number) == 3) {
      prepare_message(bytes, 1, TEXT);
      broadcast(in_flight, number);
    } else refuse(line);
  }
}
