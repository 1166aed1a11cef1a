// What a bot does in an encrypted room.
import { strict as assert } from "node:assert";
import { mock } from "node:test";
import { EventType, type MatrixEvent, MsgType, ReceiptType, RelationType } from "matrix-js-sdk";
import type { Bot } from "./bot.ts";
import { eventually, scenario } from "./lab.ts";

/** What the bot's own timeline has under an id, with what belongs to it. */
const shown = (bot: Bot, room: string, id: string): MatrixEvent | undefined => bot.client.getRoom(room)?.findEventById(id);

scenario("two bots talk, react, correct, answer in a thread and read", { encryption: "required" }, async ({ server, register }) => {
    const anna = await (await register("anna.albrecht")).start();
    const ben = await (await register("ben.brueckner")).start();
    const { room_id: room } = await anna.client.createRoom({ name: "Bauamt", invite: [ben.userId] });
    await ben.accept(room);
    assert.equal(await ben.crypto().isEncryptionEnabledInRoom(room), true);
    await anna.sees(room, "that Ben has joined", (event) => event.getStateKey() === ben.userId && event.getContent()["membership"] === "join");

    const { event_id: asked } = await anna.client.sendTextMessage(room, "Wer hat die Akte?");
    const question = await ben.reads(room, "Wer hat die Akte?");
    assert.deepEqual([question.getId(), question.isEncrypted()], [asked, true]);

    // A reaction, counted by both.
    await ben.client.sendEvent(room, EventType.Reaction, { "m.relates_to": { rel_type: RelationType.Annotation, event_id: asked, key: "👍" } });
    await eventually("Anna counts the reaction", () => {
        const counted = anna.client.getRoom(room)?.relations.getChildEventsForEvent(asked, RelationType.Annotation, EventType.Reaction);
        return counted?.getSortedAnnotationsByKey()?.some(([key, events]) => key === "👍" && events.size === 1);
    });

    // An edit.
    await anna.client.sendMessage(room, {
        msgtype: MsgType.Text,
        body: "* Wer hat die Bauakte?",
        "m.new_content": { msgtype: MsgType.Text, body: "Wer hat die Bauakte?" },
        "m.relates_to": { rel_type: RelationType.Replace, event_id: asked },
    });
    await eventually("Ben reads the corrected text", () => shown(ben, room, asked)?.getContent()["body"] === "Wer hat die Bauakte?");

    // A thread of two answers, as it goes and as the server lists it afterwards.
    const { event_id: first } = await ben.client.sendMessage(room, asked, { msgtype: MsgType.Text, body: "Sie liegt bei mir." });
    await anna.sees(room, "the answer", (event) => event.getId() === first && event.threadRootId === asked);
    const { event_id: last } = await anna.client.sendMessage(room, asked, { msgtype: MsgType.Text, body: "Danke." });
    const thread = await eventually("Ben has the whole thread", () => {
        const found = ben.client.getRoom(room)?.getThread(asked);
        return found?.length === 2 && found.replyToEvent?.getId() === last && found;
    });
    assert.equal(thread.hasCurrentUserParticipated, true);
    const page = await anna.client.createThreadListMessagesRequest(room, null);
    assert.deepEqual(page.chunk.map((event) => event.event_id), [asked]);
    const summary = page.chunk[0]?.unsigned?.["m.relations"]?.["m.thread"] as { count: number; latest_event: { event_id: string } } | undefined;
    assert.deepEqual([summary?.count, summary?.latest_event.event_id], [2, last]);
    const { events, originalEvent } = await anna.client.relations(room, asked, RelationType.Thread, null);
    assert.deepEqual(events.map((event) => event.getId()), [last, first]);
    assert.equal(originalEvent?.getId(), asked);

    // Receipts: of the thread, and of the room's main part.
    const lastOfThread = await ben.reads(room, "Danke.");
    await ben.client.sendReadReceipt(lastOfThread, ReceiptType.Read);
    await eventually("Anna sees that Ben has read the thread", () => anna.client.getRoom(room)?.getThread(asked)?.hasUserReadEvent(ben.userId, last));
    const { event_id: bye } = await anna.client.sendTextMessage(room, "Feierabend");
    await ben.client.sendReadReceipt(await ben.reads(room, "Feierabend"), ReceiptType.Read);
    await eventually("Anna sees that Ben has read the room", () => {
        const event = shown(anna, room, bye);
        return event && anna.client.getRoom(room)?.getUsersReadUpTo(event).includes(ben.userId);
    });

    // A redaction of one answer: the thread has one less.
    await ben.client.redactEvent(room, first);
    await eventually("Anna's thread is shorter", () => shown(anna, room, first)?.isRedacted());
    const shorter = await anna.client.createThreadListMessagesRequest(room, null);
    assert.equal((shorter.chunk[0]?.unsigned?.["m.relations"]?.["m.thread"] as { count: number } | undefined)?.count, 1);

    for (const text of ["Bauakte", "Sie liegt bei mir", "Feierabend"]) assert.deepEqual(await server.filesContaining(text), []);
    assert.notDeepEqual(await server.filesContaining("anna.albrecht"), [], "the search for plaintext finds not even a name");
});

scenario("the recovery key opens the backup for a new device, and a new identity replaces the old", { encryption: "required" }, async ({ register, logIn }) => {
    // The library keeps a key for some random seconds before it goes into the backup.
    mock.method(Math, "random", () => 0);
    const anna = await (await register("anna.albrecht")).start();
    await anna.setUpRecovery();
    const { room_id: room } = await anna.client.createRoom({});
    await eventually("the room is known to be encrypted", () => anna.crypto().isEncryptionEnabledInRoom(room));
    const { event_id: written } = await anna.client.sendTextMessage(room, "Von früher");
    await eventually("the key is in the backup", async () => (await anna.crypto().checkKeyBackupAndEnable())?.backupInfo.count === 1);

    const again = await logIn("anna.albrecht");
    again.storageKey = anna.storageKey;
    await again.start();
    const old = await eventually("the old message is there", () => shown(again, room, written));
    await eventually("it isn't readable", () => old.isDecryptionFailure());
    assert.equal(await again.crypto().userHasCrossSigningKeys(again.userId, true), true);
    await again.crypto().bootstrapCrossSigning({});
    await again.crypto().loadSessionBackupPrivateKeyFromSecretStorage();
    await again.crypto().restoreKeyBackup();
    await eventually("it is readable", () => !old.isDecryptionFailure() && !old.isBeingDecrypted());
    assert.equal(old.getContent()["body"], "Von früher");
    await eventually("the first device trusts the second", async () => {
        const status = await anna.crypto().getDeviceVerificationStatus(anna.userId, again.client.getDeviceId() ?? "");
        return status?.signedByOwner;
    });

    // Everything anew: identity, secret storage and backup.
    const before = await again.crypto().getCrossSigningKeyId();
    await again.resetEncryption();
    const after = await again.crypto().getCrossSigningKeyId();
    assert.ok(after && after !== before, "the identity is another");
    const version = await eventually("there is another backup", async () => {
        const info = await again.crypto().getKeyBackupInfo();
        return info?.version !== "1" && info?.version;
    });
    assert.ok(version);
    await eventually("the first device sees another identity", async () => {
        await anna.crypto().userHasCrossSigningKeys(anna.userId, true);
        const status = await anna.crypto().getDeviceVerificationStatus(anna.userId, anna.client.getDeviceId() ?? "");
        return status?.signedByOwner === false;
    });
});
