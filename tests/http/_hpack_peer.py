# Encodes and decodes header blocks with the package hpack. Each line of standard input is a connection: a JSON array of
# blocks, each with the sizes of the table that come into effect before it, and its fields; texts have a character for
# each byte. With `block`, in hex, that is decoded, else the fields are encoded. For each line, one on standard output
# has the fields or the blocks, and the table after each of them.
import json
import sys

from hpack import Decoder, Encoder


def text(pair):
    return [bytes(part).decode("latin1") for part in pair]


def decoded(decoder, block):
    for size in block["sizes"]:
        decoder.max_allowed_table_size = size
    fields = decoder.decode(bytes.fromhex(block["block"]), raw=True)
    return [text(field[:2]) for field in fields]


def encoded(encoder, block):
    for size in block["sizes"]:
        encoder.header_table_size = size
    fields = [
        (name.encode("latin1"), value.encode("latin1"), name == "authorization")
        for name, value in block["fields"]
    ]
    return encoder.encode(fields, huffman=block["huffman"]).hex()


for line in sys.stdin:
    encoder, decoder = Encoder(), Decoder(max_header_list_size=1 << 30)
    answers = []
    for block in json.loads(line):
        isDecoded = "block" in block
        coder = decoder if isDecoded else encoder
        answer = decoded(coder, block) if isDecoded else encoded(coder, block)
        table = [text(field) for field in coder.header_table.dynamic_entries]
        answers.append({"answer": answer, "table": table})
    print(json.dumps(answers), flush=True)
