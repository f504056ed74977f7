/** Header blocks in tests: as hex, and what they mean. */
import { ByteWriter } from "../../http/h2/_byte_writer.ts";
import { FieldList } from "../../http/h2/_field_list.ts";
import type { HpackDecoder } from "../../http/h2/_hpack_decoder.ts";
import type { HpackEncoder } from "../../http/h2/_hpack_encoder.ts";
import { HpackError } from "../../http/h2/_hpack_error.ts";
import { text } from "./_drive.ts";

export type Field = [name: string, value: string];

/** Bytes from hex with spaces. */
export function hex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(text.replaceAll(/\s/g, ""));
}

/** The fields of a list, which is checked to have a whole line for each of them. */
export function fieldsOf(list: FieldList): Field[] {
  const fields: Field[] = [];
  let lines = "";
  for (let i = 0; i < 3 * list.count; i += 3) {
    const [name, value, end] = list.at.subarray(i, i + 3) as unknown as [number, number, number];
    const field: Field = [
      text(list.bytes.subarray(name, value - 2)),
      text(list.bytes.subarray(value, end)),
    ];
    fields.push(field);
    lines += `${field[0]}: ${field[1]}\r\n`;
  }
  if (text(list.bytes.subarray(0, list.length)) !== lines) throw new Error("The lines differ");
  return fields;
}

/** Decodes a block, which is in the middle of other bytes. */
export function decode(
  decoder: HpackDecoder,
  block: Uint8Array,
  list: FieldList = new FieldList(),
  maxSize: number = Infinity,
): Field[] {
  const bytes = new Uint8Array(block.length + 8).fill(0x82);
  bytes.set(block, 3);
  decoder.decode(bytes, 3, 3 + block.length, list, maxSize);
  return fieldsOf(list);
}

/** What is in the dynamic table: what the indices mean, until there are no more. */
export function tableOf(decoder: HpackDecoder): Field[] {
  const fields: Field[] = [];
  for (let index = 62;; index++) {
    const block = index < 127 ? [0x80 | index] : [0xff, index - 127];
    if (index - 127 >= 0x80) throw new Error("There are too many for two bytes");
    try {
      fields.push(...decode(decoder, Uint8Array.from(block)));
    } catch (error) {
      if (error instanceof HpackError) return fields;
      throw error;
    }
  }
}

/** RFC 7541 4.1. */
export function sizeOf(fields: Field[]): number {
  return fields.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
}

const out = new ByteWriter();

/** Encodes a block. */
export function encode(encoder: HpackEncoder, fields: Field[]): Uint8Array<ArrayBuffer> {
  encoder.begin(out);
  for (const [name, value] of fields) encoder.field(out, name, value);
  return out.take();
}
