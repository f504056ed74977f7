/** RFC 6455 5.2: the first byte of a frame. */
export const FIN = 0x80;
export const RSV = 0x70;
/** RFC 7692 6: the message is compressed. */
export const RSV1 = 0x40;

export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

/** The second byte. */
export const MASK = 0x80;

/** RFC 6455 5.5: the payload of a control frame. */
export const MAX_CONTROL = 125;
