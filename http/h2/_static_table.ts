/** What both sides know of the tables: the static one (RFC 7541, appendix A), and the size of the other. */
import { latin1Bytes } from "../_characters.ts";
import { FieldList } from "./_field_list.ts";

/** RFC 9113 6.5.2: the size of a dynamic table until the peers agree on another. */
export const INITIAL_TABLE_SIZE = 4096;

/** Names and values, from index 1 on. */
export const STATIC_FIELDS: readonly (readonly [name: string, value: string])[] = `:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`.split("\n").map((line) => {
  const [name = "", ...words] = line.split(" ");
  return [name, words.join(" ")];
});

/** The same as lines. */
export const STATIC_TABLE: FieldList = new FieldList();
for (const [name, value] of STATIC_FIELDS) {
  const line = latin1Bytes(`${name}: ${value}\r\n`);
  STATIC_TABLE.add(line, 0, name.length + 2, line.length - 2);
}
