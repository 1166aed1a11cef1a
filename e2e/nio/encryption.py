"""Two bots in an encrypted room."""

import nio

from lab import PASSWORD, good

ENCRYPTED = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


async def device(server, name, registers=True):
    """A device that keeps keys in a folder of its own."""
    store = server.folder / f"store-{name}-{registers}"
    store.mkdir()
    config = nio.AsyncClientConfig(encryption_enabled=True, store_sync_tokens=False)
    client = nio.AsyncClient(server.url, f"@{name}:nio.example", store_path=str(store), config=config)
    if registers:
        good(await client.register(name, PASSWORD, device_name="nio"), nio.RegisterResponse)
    else:
        good(await client.login(PASSWORD, device_name="nio"), nio.LoginResponse)
    if client.olm is None:
        client.load_store()
    return client


async def step(client, since=None):
    """One round of what a bot's loop does: read, and do what that asks for."""
    await client.send_to_device_messages()
    if client.should_upload_keys:
        good(await client.keys_upload(), nio.KeysUploadResponse)
    news = good(await client.sync(timeout=0, full_state=since == ""), nio.SyncResponse)
    if client.should_query_keys:
        good(await client.keys_query(), nio.KeysQueryResponse)
    if client.should_claim_keys:
        good(await client.keys_claim(client.get_users_for_key_claiming()), nio.KeysClaimResponse)
    return news


async def say(client, room, body):
    content = {"msgtype": "m.text", "body": body}
    sent = await client.room_send(room, "m.room.message", content, ignore_unverified_devices=True)
    return good(sent, nio.RoomSendResponse).event_id


async def reads(client, room):
    """The texts that the next sync brings, with whether they were encrypted."""
    news = await step(client)
    if room not in news.rooms.join:
        return []
    events = news.rooms.join[room].timeline.events
    unreadable = [event for event in events if isinstance(event, nio.MegolmEvent)]
    assert not unreadable, unreadable
    return [(event.body, event.decrypted) for event in events if isinstance(event, nio.RoomMessageText)]


async def encrypted_messages_are_read_on_every_device(server):
    nora, otto = await device(server, "nora"), await device(server, "otto")
    await step(nora, "")
    await step(otto, "")
    made = good(
        await nora.room_create(invite=[otto.user_id], initial_state=[ENCRYPTED]), nio.RoomCreateResponse
    )
    room = made.room_id
    good(await otto.join(room), nio.JoinResponse)
    for client in (nora, otto, nora, otto):
        await step(client)
    assert nora.rooms[room].encrypted and otto.rooms[room].encrypted
    assert otto.device_id in [known.device_id for known in nora.device_store.active_user_devices(otto.user_id)]

    await say(nora, room, "Guten Morgen")
    assert await reads(otto, room) == [("Guten Morgen", True)]
    await say(otto, room, "Moin")
    assert ("Moin", True) in await reads(nora, room)

    # A second device of Otto's is told to Nora, and gets what is said from then on.
    second = await device(server, "otto", registers=False)
    await step(second, "")
    await step(nora)
    await step(second)
    assert len(list(nora.device_store.active_user_devices(otto.user_id))) == 2
    await say(nora, room, "An alle Geräte")
    assert ("An alle Geräte", True) in await reads(otto, room)
    assert ("An alle Geräte", True) in await reads(second, room)

    # What the server has is not the text.
    kept = b"".join(path.read_bytes() for path in (server.folder / "data").rglob("*") if path.is_file())
    assert b"nora" in kept, "the search for plaintext finds not even a name"
    assert "An alle Geräte".encode() not in kept
    for client in (nora, otto, second):
        await client.close()


async def keys_are_handed_out_once_and_devices_removed(server):
    paula, quirin = await device(server, "paula"), await device(server, "quirin")
    for client in (paula, quirin):
        await step(client, "")
    made = good(await paula.room_create(invite=[quirin.user_id], initial_state=[ENCRYPTED]), nio.RoomCreateResponse)
    good(await quirin.join(made.room_id), nio.JoinResponse)
    await step(paula)
    await step(paula)
    claim = {quirin.user_id: [quirin.device_id]}
    keys = []
    for _ in range(3):
        answer = good(await paula.keys_claim(claim), nio.KeysClaimResponse)
        keys += answer.one_time_keys[quirin.user_id][quirin.device_id]
    assert len(set(keys)) == 3, keys

    listed = good(await quirin.devices(), nio.DevicesResponse).devices
    assert [known.id for known in listed] == [quirin.device_id]
    good(await quirin.update_device(quirin.device_id, {"display_name": "Bot"}), nio.UpdateDeviceResponse)
    refused = await quirin.delete_devices([quirin.device_id])
    session = good(refused, nio.DeleteDevicesAuthResponse).session
    auth = {"type": "m.login.password", "session": session, "password": PASSWORD}
    auth["identifier"] = {"type": "m.id.user", "user": quirin.user_id}
    good(await quirin.delete_devices([quirin.device_id], auth), nio.DeleteDevicesResponse)
    good(await quirin.whoami(), nio.WhoamiError)
    await step(paula)
    assert list(paula.device_store.active_user_devices(quirin.user_id)) == []
    for client in (paula, quirin):
        await client.close()


TESTS = [
    encrypted_messages_are_read_on_every_device,
    keys_are_handed_out_once_and_devices_removed,
]
