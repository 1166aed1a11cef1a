// What a bot asks of a server beyond talking, in rooms where nothing is encrypted.
import { strict as assert } from "node:assert";
import { type AccountDataEvents, Direction, EventType, JoinRule, M_POLL_START, MsgType, Preset, PushRuleKind, RelationType, SearchOrderBy, UpdateDelayedEventAction, Visibility } from "matrix-js-sdk";
import { eventually, scenario } from "./lab.ts";

const OPEN = { encryption: "optional" } as const;
const PLAIN = { encrypts: false };

scenario("messages are found, counted, pinned and read around", OPEN, async ({ register }) => {
    const anna = await (await register("anna.albrecht")).start(PLAIN);
    const ben = await (await register("ben.brueckner")).start(PLAIN);
    const { room_id: room } = await anna.client.createRoom({ preset: Preset.PublicChat, name: "Kantine", topic: "Was es gibt" });
    await ben.client.joinRoom(room);
    const start = Date.now();
    const dishes = ["Linsensuppe", "Kartoffelsalat", "Erbsensuppe mit Brot", "Grünkohl"];
    const ids: string[] = [];
    for (const dish of dishes) ids.push((await anna.client.sendTextMessage(room, `Heute gibt es ${dish}`)).event_id);
    const last = await ben.reads(room, "Heute gibt es Grünkohl");
    const bensRoom = ben.client.getRoom(room);
    assert.ok(bensRoom);

    // What is unread is counted, and read.
    await eventually("Ben's count is there", () => bensRoom.getUnreadNotificationCount() === dishes.length);
    await ben.client.sendReadReceipt(last);
    await eventually("Ben's count is gone", () => bensRoom.getUnreadNotificationCount() === 0);

    const found = await ben.client.search({ body: { search_categories: { room_events: { search_term: "kartoffelsalat", order_by: SearchOrderBy.Recent, event_context: { before_limit: 1, after_limit: 1 } } } } });
    const { results, count } = found.search_categories.room_events;
    assert.deepEqual([count, results?.[0]?.result.event_id], [1, ids[1]]);
    assert.deepEqual([results?.[0]?.context.events_before?.[0]?.event_id, results?.[0]?.context.events_after?.[0]?.event_id], [ids[0], ids[2]]);
    assert.equal((await ben.client.searchRoomEvents({ term: "Heute gibt" })).count, dishes.length);

    // The event of a moment, and what lies around an event.
    const moment = await ben.client.timestampToEvent(room, start, Direction.Forward);
    assert.equal(moment.event_id, ids[0]);
    const around = await ben.client.getEventTimeline(bensRoom.getUnfilteredTimelineSet(), ids[2] ?? "");
    assert.ok(around?.getEvents().some((event) => event.getId() === ids[2]));

    // A poll with an answer, by relations.
    const { event_id: poll } = await anna.client.sendEvent(room, M_POLL_START.name as never, {
        [M_POLL_START.name]: { question: { "org.matrix.msc1767.text": "Suppe?" }, kind: "org.matrix.msc3381.poll.disclosed", max_selections: 1, answers: [{ id: "ja", "org.matrix.msc1767.text": "Ja" }] },
        "org.matrix.msc1767.text": "Suppe?",
    } as never);
    const { event_id: vote } = await ben.client.sendEvent(room, "org.matrix.msc3381.poll.response" as never, { "m.relates_to": { rel_type: RelationType.Reference, event_id: poll }, "org.matrix.msc3381.poll.response": { answers: ["ja"] } } as never);
    const votes = await anna.client.fetchRelations(room, poll, RelationType.Reference, "org.matrix.msc3381.poll.response");
    assert.deepEqual(votes.chunk.map((event) => event.event_id), [vote]);
    await eventually("Anna's room knows the poll and the vote", async () => {
        const responses = await anna.client.getRoom(room)?.polls.get(poll)?.getResponses();
        return responses?.getRelations().some((event) => event.getId() === vote);
    });

    // A pin.
    await anna.client.sendStateEvent(room, EventType.RoomPinnedEvents, { pinned: [ids[3] ?? ""] });
    await eventually("Ben sees the pin", () => bensRoom.currentState.getStateEvents(EventType.RoomPinnedEvents, "")?.getContent()["pinned"]?.[0] === ids[3]);

    await ben.client.reportEvent(room, ids[0] ?? "", -100, "zu salzig");
    await ben.client.reportRoom(room, "zu laut");
    assert.deepEqual(await anna.client._unstable_getSharedRooms(ben.userId), [room]);

    const { replacement_room: next } = await anna.client.upgradeRoom(room, "12");
    await eventually("the old room says where to go on", () => bensRoom.currentState.getStateEvents(EventType.RoomTombstone, "")?.getContent()["replacement_room"] === next);
});

scenario("rooms are looked at, knocked at and found in a space", OPEN, async ({ register }) => {
    const anna = await (await register("anna.albrecht")).start(PLAIN);
    const ben = await (await register("ben.brueckner")).start(PLAIN);
    const { room_id: room } = await anna.client.createRoom({
        name: "Rechtsamt",
        room_alias_name: "rechtsamt",
        visibility: Visibility.Public,
        initial_state: [{ type: EventType.RoomJoinRules, content: { join_rule: JoinRule.Knock } }],
    });
    const summary = await ben.client.getRoomSummary("#rechtsamt:localhost");
    assert.deepEqual([summary.room_id, summary.name, summary.join_rule, summary.num_joined_members], [room, "Rechtsamt", JoinRule.Knock, 1]);
    const listed = await ben.client.publicRooms({ limit: 10, filter: { generic_search_term: "rechts" } });
    assert.deepEqual(listed.chunk.map((one) => one.room_id), [room]);

    await ben.client.knockRoom(room, { reason: "Ich bin neu" });
    await eventually("Ben waits", () => ben.client.getRoom(room)?.getMyMembership() === "knock");
    const knocking = await anna.sees(room, "the knock", (event) => event.getStateKey() === ben.userId && event.getContent()["membership"] === "knock");
    assert.equal(knocking.getContent()["reason"], "Ich bin neu");
    await anna.client.invite(room, ben.userId);
    await ben.accept(room);

    const { room_id: space } = await anna.client.createRoom({ name: "Rathaus", creation_content: { type: "m.space" } });
    await anna.client.sendStateEvent(space, EventType.SpaceChild, { via: ["localhost"], suggested: true }, room);
    const { rooms } = await anna.client.getRoomHierarchy(space);
    assert.deepEqual(rooms.map((one) => [one.room_id, one.name]), [[space, "Rathaus"], [room, "Rechtsamt"]]);
    await eventually("the space is a space", () => anna.client.getRoom(space)?.isSpaceRoom());
});

scenario("events are planned, restarted, cancelled and sent early", OPEN, async ({ register }) => {
    const anna = await (await register("anna.albrecht")).start(PLAIN);
    const { room_id: room } = await anna.client.createRoom({});
    const plan = (body: string, delay: number) => anna.client._unstable_sendDelayedEvent(room, { delay }, null, EventType.RoomMessage, { msgtype: MsgType.Text, body });
    await eventually("the room is there", () => anna.client.getRoom(room));
    const early = await plan("früher als gedacht", 600_000);
    const never = await plan("nie", 600_000);
    const soon = await plan("gleich", 200);
    const planned = await anna.client._unstable_getDelayedEvent(never.delay_id);
    assert.deepEqual([planned.delay_id, planned.room_id, planned.type], [never.delay_id, room, EventType.RoomMessage]);
    await anna.client._unstable_restartScheduledDelayedEvent(never.delay_id);
    await anna.client._unstable_cancelScheduledDelayedEvent(never.delay_id);
    await anna.client._unstable_updateDelayedEvent(early.delay_id, UpdateDelayedEventAction.Send);
    await anna.reads(room, "früher als gedacht");
    await anna.reads(room, "gleich");
    assert.ok(soon.delay_id);
    await assert.rejects(anna.client._unstable_cancelScheduledDelayedEvent("gibt-es-nicht"), { errcode: "M_NOT_FOUND" });
    assert.ok(!anna.seen.some((event) => event.getContent()["body"] === "nie"));
});

scenario("a person's own things are kept: profile, data, rules, pushers, devices, files", OPEN, async ({ register, logIn }) => {
    const anna = await (await register("anna.albrecht")).start(PLAIN);
    const ben = await register("ben.brueckner");
    await anna.client.setDisplayName("Anna Albrecht");
    await anna.client.setExtendedProfileProperty("m.tz", "Europe/Berlin");
    assert.deepEqual(await ben.client.getExtendedProfile(anna.userId), { displayname: "Anna Albrecht", "m.tz": "Europe/Berlin" });
    await anna.client.deleteExtendedProfileProperty("m.tz");
    assert.equal(await ben.client.getExtendedProfileProperty(anna.userId, "m.tz"), undefined);

    const kind = "de.rohrpost.test" as keyof AccountDataEvents;
    await anna.client.setAccountData(kind, { farbe: "grün" } as never);
    assert.deepEqual(await anna.client.getAccountDataFromServer(kind), { farbe: "grün" });
    await eventually("the sync brings it", () => anna.client.getAccountData(kind)?.getContent()["farbe"] === "grün");

    const rule = { pattern: "akte", actions: ["notify" as never] };
    await anna.client.addPushRule("global", PushRuleKind.ContentSpecific, "akte", rule);
    await anna.client.setPushRuleEnabled("global", PushRuleKind.ContentSpecific, "akte", false);
    const { global } = await anna.client.getPushRules();
    assert.equal(global.content?.find((one) => one.rule_id === "akte")?.enabled, false);
    const pusher = { app_display_name: "Bot", app_id: "de.rohrpost.bot", data: { url: "https://push.example/_matrix/push/v1/notify" }, device_display_name: "Bot", kind: "http", lang: "de", pushkey: "eins" };
    await assert.rejects(anna.client.setPusher(pusher), { errcode: "M_FORBIDDEN" }, "a gateway that the operator didn't name");
    assert.deepEqual(await anna.client.getPushers(), { pushers: [] });

    const other = await logIn("anna.albrecht");
    await other.client.setDeviceDetails(other.client.getDeviceId() ?? "", { display_name: "Zweitgerät" });
    const { devices } = await anna.client.getDevices();
    assert.deepEqual(devices.map((device) => device.device_id).toSorted(), [anna.client.getDeviceId(), other.client.getDeviceId()].toSorted());
    assert.ok(devices.some((device) => device.display_name === "Zweitgerät"));

    const bytes = crypto.getRandomValues(new Uint8Array(50_000));
    const { content_uri: uri } = await anna.client.uploadContent(bytes, { name: "akte.bin", type: "application/octet-stream" });
    const address = ben.client.mxcUrlToHttp(uri, undefined, undefined, undefined, false, true, true) ?? "";
    const received = await fetch(address, { headers: { authorization: `Bearer ${ben.client.getAccessToken()}` } });
    assert.deepEqual(new Uint8Array(await received.arrayBuffer()), bytes);
    assert.equal((await fetch(address)).status, 401);

    await other.client.logout(true);
    await assert.rejects(other.client.whoami(), { errcode: "M_UNKNOWN_TOKEN" });
});
