"""What bots do in rooms beyond talking."""

import io

import nio

from lab import account, good


async def together(server, first, second, **options):
    """Two accounts in a room of the first, synced."""
    one, other = await account(server, first), await account(server, second)
    made = good(await one.room_create(invite=[other.user_id], **options), nio.RoomCreateResponse)
    good(await other.join(made.room_id), nio.JoinResponse)
    for client in (one, other):
        good(await client.sync(timeout=0, full_state=True), nio.SyncResponse)
    return one, other, made.room_id


async def say(client, room, body, relation=None):
    content = {"msgtype": "m.text", "body": body}
    if relation:
        content["m.relates_to"] = relation
    return good(await client.room_send(room, "m.room.message", content), nio.RoomSendResponse).event_id


async def everything(pages):
    return [event.event_id async for event in pages]


async def threads_edits_and_reactions_are_found_by_their_relation(server):
    fritz, gerda, room = await together(server, "fritz", "gerda")
    root = await say(fritz, room, "Wer hat die Akte?")
    first = await say(gerda, room, "Ich", {"rel_type": "m.thread", "event_id": root})
    last = await say(fritz, room, "Danke", {"rel_type": "m.thread", "event_id": root})
    thumb = {"m.relates_to": {"rel_type": "m.annotation", "event_id": root, "key": "👍"}}
    reaction = good(await gerda.room_send(room, "m.reaction", thumb), nio.RoomSendResponse).event_id
    assert await everything(fritz.room_get_threads(room)) == [root]
    kinds = nio.api.RelationshipType
    assert await everything(fritz.room_get_event_relations(room, root, kinds.thread)) == [last, first]
    assert await everything(fritz.room_get_event_relations(room, root, kinds.annotation)) == [reaction]
    good(await gerda.room_redact(room, first), nio.RoomRedactResponse)
    assert await everything(fritz.room_get_event_relations(room, root, kinds.thread)) == [last]
    good(await gerda.update_receipt_marker(room, last, thread_id=root), nio.UpdateReceiptMarkerResponse)
    news = good(await fritz.sync(timeout=0), nio.SyncResponse)
    receipts = [
        receipt
        for event in news.rooms.join[room].ephemeral
        if isinstance(event, nio.ReceiptEvent)
        for receipt in event.receipts
    ]
    assert [(receipt.user_id, receipt.event_id, receipt.thread_id) for receipt in receipts] == [
        (gerda.user_id, last, root)
    ], receipts
    await fritz.close()
    await gerda.close()


async def a_room_is_paged_looked_into_and_filtered(server):
    heinz, ida, room = await together(server, "heinz", "ida")
    said = [await say(heinz, room, f"Nummer {number}") for number in range(25)]
    context = good(await ida.room_context(room, said[10], limit=4), nio.RoomContextResponse)
    assert context.event.event_id == said[10]
    assert [event.event_id for event in context.events_before] == [said[9], said[8]]
    assert [event.event_id for event in context.events_after] == [said[11], said[12]]
    members = good(await ida.joined_members(room), nio.JoinedMembersResponse).members
    assert sorted(member.user_id for member in members) == [heinz.user_id, ida.user_id]

    token, read = None, []
    while True:
        page = good(await ida.room_messages(room, token, limit=10), nio.RoomMessagesResponse)
        read += [event.event_id for event in page.chunk if isinstance(event, nio.RoomMessageText)]
        if not page.end:
            break
        token = page.end
    assert read == said[::-1], read

    only = {"timeline": {"limit": 3, "types": ["m.room.message"]}, "state": {"types": []}}
    kept = good(await ida.upload_filter(room=only, presence={"types": []}), nio.UploadFilterResponse)
    filtered = good(await ida.sync(timeout=0, since="", sync_filter=kept.filter_id), nio.SyncResponse)
    timeline = filtered.rooms.join[room].timeline
    assert [event.event_id for event in timeline.events] == said[-3:] and timeline.limited
    assert filtered.rooms.join[room].state == [] and filtered.presence_events == []
    await heinz.close()
    await ida.close()


async def people_are_seen_named_and_let_in(server):
    jutta, karl, room = await together(server, "jutta", "karl")
    good(await karl.set_presence("online", "in der Sprechstunde"), nio.PresenceSetResponse)
    seen = good(await jutta.get_presence(karl.user_id), nio.PresenceGetResponse)
    assert (seen.presence, seen.status_msg) == ("online", "in der Sprechstunde"), seen
    news = good(await jutta.sync(timeout=0, full_state=True), nio.SyncResponse)
    assert karl.user_id in [event.user_id for event in news.presence_events]
    good(await karl.set_displayname("Karl Amt"), nio.ProfileSetDisplayNameResponse)
    good(await karl.set_avatar("mxc://nio.example/bild"), nio.ProfileSetAvatarResponse)
    profile = good(await jutta.get_profile(karl.user_id), nio.ProfileGetResponse)
    assert (profile.displayname, profile.avatar_url) == ("Karl Amt", "mxc://nio.example/bild")

    # Addresses, knocking, and being put out.
    good(await jutta.room_put_alias("#zimmer:nio.example", room), nio.RoomPutAliasResponse)
    resolved = good(await karl.room_resolve_alias("#zimmer:nio.example"), nio.RoomResolveAliasResponse)
    assert resolved.room_id == room
    good(await jutta.room_enable_knocking(room), nio.RoomPutStateResponse)
    lena = await account(server, "lena")
    good(await lena.room_knock("#zimmer:nio.example", reason="neu hier"), nio.RoomKnockResponse)
    good(await jutta.room_invite(room, lena.user_id), nio.RoomInviteResponse)
    good(await lena.join(room), nio.JoinResponse)
    good(await jutta.room_kick(room, lena.user_id, "Irrtum"), nio.RoomKickResponse)
    assert room not in good(await lena.joined_rooms(), nio.JoinedRoomsResponse).rooms
    good(await jutta.room_ban(room, lena.user_id), nio.RoomBanResponse)
    good(await lena.join(room), nio.JoinError)
    good(await jutta.room_unban(room, lena.user_id), nio.RoomUnbanResponse)

    space = good(await jutta.room_create(space=True, name="Rathaus"), nio.RoomCreateResponse).room_id
    child = {"via": ["nio.example"]}
    good(await jutta.room_put_state(space, "m.space.child", child, room), nio.RoomPutStateResponse)
    tree = good(await jutta.space_get_hierarchy(space), nio.SpaceGetHierarchyResponse)
    assert [one["room_id"] for one in tree.rooms] == [space, room]
    for client in (jutta, karl, lena):
        await client.close()


async def a_file_is_uploaded_and_come_by_again(server):
    maria = await account(server, "maria")
    config = good(await maria.content_repository_config(), nio.ContentRepositoryConfigResponse)
    assert config.upload_size > 1_000_000
    data = bytes(range(256)) * 300
    uploaded, keys = await maria.upload(
        io.BytesIO(data), "application/octet-stream", "akte.bin", encrypt=True, filesize=len(data)
    )
    uri = good(uploaded, nio.UploadResponse).content_uri
    found = good(await maria.download(uri), nio.MemoryDownloadResponse)
    assert found.body != data, "what lies on the server is encrypted"
    plain = nio.crypto.attachments.decrypt_attachment(
        found.body, keys["key"]["k"], keys["hashes"]["sha256"], keys["iv"]
    )
    assert plain == data
    await maria.close()


TESTS = [
    threads_edits_and_reactions_are_found_by_their_relation,
    a_room_is_paged_looked_into_and_filtered,
    people_are_seen_named_and_let_in,
    a_file_is_uploaded_and_come_by_again,
]
