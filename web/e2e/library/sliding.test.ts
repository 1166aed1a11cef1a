// Sliding sync as matrix-js-sdk speaks it (Element Web with its laboratory switch), encryption included.
import { strict as assert } from "node:assert";
import { SlidingSync } from "matrix-js-sdk/lib/sliding-sync.js";
import { eventually, scenario } from "./lab.ts";

const ROOM = { timeline_limit: 20, required_state: [["*", "*"]] };

scenario("a list of rooms, an invitation and an encrypted message come by sliding sync", { encryption: "required" }, async ({ server, register }) => {
    const anna = await (await register("anna.albrecht")).start();
    const ben = await register("ben.brueckner");
    const lists = new Map([["all", { ranges: [[0, 20]], ...ROOM }]]);
    const sliding = new SlidingSync(server.url, lists, ROOM, ben.client, 10_000);
    await ben.start({ slidingSync: sliding });

    const { room_id: room } = await anna.client.createRoom({ name: "Bauamt", invite: [ben.userId] });
    await ben.accept(room);
    await eventually("the list has the room", () => sliding.getListData("all")?.joinedCount === 1);
    assert.equal(ben.client.getRoom(room)?.name, "Bauamt");
    await anna.sees(room, "that Ben has joined", (event) => event.getStateKey() === ben.userId && event.getContent()["membership"] === "join");
    await anna.client.sendTextMessage(room, "Guten Morgen");
    await ben.reads(room, "Guten Morgen");
    await ben.client.sendTextMessage(room, "Moin");
    await anna.reads(room, "Moin");

    // Typing and receipts are extensions.
    await anna.client.sendTyping(room, true, 30_000);
    await eventually("Anna types", () => ben.client.getRoom(room)?.getMember(anna.userId)?.typing);
    const last = await anna.reads(room, "Moin");
    await anna.client.sendReadReceipt(last);
    await eventually("Anna has read", () => ben.client.getRoom(room)?.getEventReadUpTo(anna.userId) === last.getId());

    // A room opened by itself, and left.
    sliding.modifyRoomSubscriptions(new Set([room]));
    await anna.client.setRoomTopic(room, "Akten");
    await eventually("the topic is there", () => ben.client.getRoom(room)?.currentState.getStateEvents("m.room.topic", "")?.getContent()["topic"] === "Akten");
    await ben.client.leave(room);
    await eventually("the list is empty", () => sliding.getListData("all")?.joinedCount === 0);
});
