import { assertEquals } from "@std/assert";
import { decode, SockAddr } from "../../reactor/linux/_sockaddr.ts";

const IPV6 = (address: number[]) => [10, 0, 0x1f, 0x90, 0, 0, 0, 0, ...address, 0, 0, 0, 0];
const ZEROS = (count: number) => new Array(count).fill(0);

const CASES: [bytes: number[], addr: unknown][] = [
  [
    [2, 0, 0x1f, 0x90, 127, 0, 0, 1, ...ZEROS(8)],
    { transport: "tcp", hostname: "127.0.0.1", port: 8080 },
  ],
  [
    [2, 0, 0xff, 0xff, 255, 254, 0, 128, ...ZEROS(8)],
    { transport: "tcp", hostname: "255.254.0.128", port: 65535 },
  ],
  [IPV6([...ZEROS(15), 1]), { transport: "tcp", hostname: "::1", port: 8080 }],
  [IPV6(ZEROS(16)), { transport: "tcp", hostname: "::", port: 8080 }],
  [
    IPV6([0x20, 1, 0x0d, 0xb8, ...ZEROS(10), 0xab, 1]),
    { transport: "tcp", hostname: "2001:db8::ab01", port: 8080 },
  ],
  [
    IPV6([...ZEROS(10), 255, 255, 10, 0, 0, 1]),
    { transport: "tcp", hostname: "::ffff:10.0.0.1", port: 8080 },
  ],
  [[1, 0, 0x2f, 0x61, 0], { transport: "unix", path: "/a" }],
  [[1, 0, 0x2f, 0x61], { transport: "unix", path: "/a" }],
  [[1, 0], { transport: "unix", path: null }],
  [[16, 0, 0, 0], undefined],
];

Deno.test("SockAddr.decode() and decode() of what is packed give what Deno would", () => {
  for (const [bytes, addr] of CASES) {
    const sockaddr = new SockAddr();
    sockaddr.bytes.set(bytes);
    sockaddr.length[0] = bytes.length;
    assertEquals(sockaddr.decode(), addr as Deno.Addr);
    assertEquals(decode(sockaddr.pack()), addr as Deno.Addr);
  }
});
