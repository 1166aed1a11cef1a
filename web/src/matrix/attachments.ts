// Files and pictures: encrypted here before they are uploaded, decrypted here after they are fetched (AES-CTR with a SHA-256 over
// the ciphertext, as the Matrix specification has it). The server stores bytes that it cannot read, without name or type.
import { Method, type MatrixClient } from "matrix-js-sdk";

export interface EncryptedFile {
    readonly url: string;
    readonly v: string;
    readonly key: { readonly alg: string; readonly ext: boolean; readonly k: string; readonly key_ops: string[]; readonly kty: string };
    readonly iv: string;
    readonly hashes: Readonly<Record<string, string>>;
}

export class DamagedFile extends Error {}

const encode = (bytes: Uint8Array): string => btoa(Array.from(bytes, (byte) => String.fromCodePoint(byte)).join("")).replace(/=+$/, "");
const decode = (text: string): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.codePointAt(0) ?? 0);

export async function encryptBytes(plain: ArrayBuffer): Promise<{ box: ArrayBuffer; secret: Omit<EncryptedFile, "url"> }> {
    const key = await crypto.subtle.generateKey({ name: "AES-CTR", length: 256 }, true, ["encrypt", "decrypt"]);
    // The upper half is random, the lower half counts blocks from zero.
    const iv = new Uint8Array(16);
    crypto.getRandomValues(iv.subarray(0, 8));
    const box = await crypto.subtle.encrypt({ name: "AES-CTR", counter: iv, length: 64 }, key, plain);
    const hash = await crypto.subtle.digest("SHA-256", box);
    const jwk = await crypto.subtle.exportKey("jwk", key);
    return {
        box,
        secret: {
            v: "v2",
            key: { alg: "A256CTR", ext: true, k: jwk.k ?? "", key_ops: ["encrypt", "decrypt"], kty: "oct" },
            iv: encode(iv),
            hashes: { sha256: encode(new Uint8Array(hash)) },
        },
    };
}

export async function decryptBytes(box: ArrayBuffer, secret: Omit<EncryptedFile, "url">): Promise<ArrayBuffer> {
    const hash = encode(new Uint8Array(await crypto.subtle.digest("SHA-256", box)));
    if (hash !== secret.hashes["sha256"]?.replace(/=+$/, "")) throw new DamagedFile();
    const jwk = { ...secret.key, key_ops: ["decrypt"] };
    const key = await crypto.subtle.importKey("jwk", jwk, { name: "AES-CTR" }, false, ["decrypt"]);
    return crypto.subtle.decrypt({ name: "AES-CTR", counter: decode(secret.iv), length: 64 }, key, box);
}

export async function uploadEncrypted(client: MatrixClient, blob: Blob, onProgress?: (share: number) => void): Promise<EncryptedFile> {
    const { box, secret } = await encryptBytes(await blob.arrayBuffer());
    const { content_uri } = await client.uploadContent(new Blob([box], { type: "application/octet-stream" }), {
        type: "application/octet-stream",
        includeFilename: false,
        progressHandler: ({ loaded, total }) => onProgress?.(total > 0 ? loaded / total : 0),
    });
    return { url: content_uri, ...secret };
}

export async function downloadDecrypted(client: MatrixClient, file: EncryptedFile, type: string): Promise<Blob> {
    const address = /^mxc:\/\/([^/]+)\/([^/?#]+)$/.exec(file.url);
    if (!address) throw new DamagedFile();
    const path = `/download/${encodeURIComponent(address[1] ?? "")}/${encodeURIComponent(address[2] ?? "")}`;
    const blob = await client.http.authedRequest<Blob>(Method.Get, path, undefined, undefined, {
        prefix: "/_matrix/client/v1/media",
        rawResponseBody: true,
    });
    return new Blob([await decryptBytes(await blob.arrayBuffer(), file)], { type });
}

/** Kinds of pictures that are shown in place. Everything else is offered as a file, whatever its sender calls it. */
const SHOWN = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);
export const isShownPicture = (type: string): boolean => SHOWN.has(type);

const THUMBNAIL_SIDE = 800;

export interface Picture {
    readonly width: number;
    readonly height: number;
    readonly thumbnail: Blob | null;
}

/** Measures a picture and draws a smaller one if it is large; null if the browser can't read it. */
export async function readPicture(blob: Blob): Promise<Picture | null> {
    let bitmap: ImageBitmap;
    try {
        bitmap = await createImageBitmap(blob);
    } catch {
        return null;
    }
    const { width, height } = bitmap;
    const scale = THUMBNAIL_SIDE / Math.max(width, height);
    let thumbnail: Blob | null = null;
    if (scale < 1) {
        const canvas = new OffscreenCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
        canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
        thumbnail = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.82 });
    }
    bitmap.close();
    return { width, height, thumbnail };
}
