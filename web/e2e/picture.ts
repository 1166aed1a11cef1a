// A small PNG drawn by hand, so that the tests need no picture file: 64 by 64, two colours.
const SIDE = 64;

function crc(bytes: Uint8Array): number {
    let value = 0xffffffff;
    for (const byte of bytes) {
        value ^= byte;
        for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    }
    return (value ^ 0xffffffff) >>> 0;
}

function chunk(type: string, data: Buffer): Buffer {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const check = Buffer.alloc(4);
    check.writeUInt32BE(crc(body));
    return Buffer.concat([length, body, check]);
}

export function testPicture(deflate: (data: Buffer) => Buffer, side = SIDE, colours: [number, number, number][] = [[35, 48, 105], [143, 160, 232]]): Buffer {
    const header = Buffer.alloc(13);
    header.writeUInt32BE(side, 0);
    header.writeUInt32BE(side, 4);
    header.set([8, 2, 0, 0, 0], 8);
    const rows = Buffer.alloc(side * (1 + side * 3));
    for (let y = 0; y < side; y += 1) {
        for (let x = 0; x < side; x += 1) {
            const colour = colours[(Math.floor((x + y) / (side / 4)) % colours.length)] ?? [0, 0, 0];
            rows.set(colour, y * (1 + side * 3) + 1 + x * 3);
        }
    }
    return Buffer.concat([
        Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
        chunk("IHDR", header),
        chunk("IDAT", deflate(rows)),
        chunk("IEND", Buffer.alloc(0)),
    ]);
}
