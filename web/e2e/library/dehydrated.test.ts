// A device that receives keys while its owner is signed in nowhere (MSC3814), made and brought back by matrix-js-sdk.
import { strict as assert } from "node:assert";
import { EventType } from "matrix-js-sdk";
import type { Lab } from "./lab.ts";
import { eventually, scenario } from "./lab.ts";

async function encryptedRoom({ register }: Lab) {
    const anna = await (await register("anna.albrecht")).start();
    const ben = await (await register("ben.brueckner")).start();
    const { room_id: room } = await anna.client.createRoom({ invite: [ben.userId] });
    await ben.accept(room);
    await anna.sees(room, "that Ben has joined", (event) => event.getType() === "m.room.member" && event.getStateKey() === ben.userId && event.getContent()["membership"] === "join");
    return { anna, ben, room };
}

scenario("what is sent while nobody is signed in is read by the next device", { encryption: "required" }, async (lab) => {
    const { anna, ben, room } = await encryptedRoom(lab);
    await ben.setUpRecovery();
    assert.equal(await ben.crypto().isDehydrationSupported(), true);
    await ben.crypto().startDehydration();
    const dehydrated = await eventually("Anna knows Ben's two devices", async () => {
        const devices = (await anna.crypto().getUserDeviceInfo([ben.userId], true)).get(ben.userId);
        return devices?.size === 2 && [...devices.values()].find((device) => device.dehydrated);
    });

    // Nobody is signed in as Ben now.
    const key = ben.storageKey;
    await ben.client.logout(true);
    await eventually("Anna knows that Ben is signed out", async () => {
        const devices = (await anna.crypto().getUserDeviceInfo([ben.userId], true)).get(ben.userId);
        return devices?.size === 1 && devices.has(dehydrated.deviceId);
    });
    // Each text with a key of its own.
    await anna.crypto().forceDiscardSession(room);
    const texts = ["Wer hat die Akte?", "Sie liegt im Archiv."];
    for (const text of texts) {
        await anna.client.sendTextMessage(room, text);
        await anna.crypto().forceDiscardSession(room);
    }

    const again = await lab.logIn("ben.brueckner");
    again.storageKey = key;
    await again.start();
    const unreadable = await Promise.all(texts.map((_, index) => eventually("a message is there", () => {
        const events = again.client.getRoom(room)?.getLiveTimeline().getEvents().filter((event) => event.getWireType() === EventType.RoomMessageEncrypted);
        return events?.length === texts.length && events[index];
    })));
    await eventually("none of them is readable", () => unreadable.every((event) => event.isDecryptionFailure()));
    // The identity is Ben's: without it nobody would believe the device.
    assert.equal(await again.crypto().userHasCrossSigningKeys(again.userId, true), true);
    await again.crypto().bootstrapCrossSigning({});
    await again.crypto().startDehydration();
    await eventually("all of them are readable", () => unreadable.every((event) => !event.isDecryptionFailure() && !event.isBeingDecrypted()));
    assert.deepEqual(unreadable.map((event) => event.getContent()["body"]), texts);
    // There is another one now, for the next time.
    await eventually("the dehydrated device was replaced", async () => {
        const devices = (await anna.crypto().getUserDeviceInfo([ben.userId], true)).get(ben.userId);
        return devices && !devices.has(dehydrated.deviceId) && [...devices.values()].some((device) => device.dehydrated);
    });
});
