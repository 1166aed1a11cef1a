"""A plain Matrix client, matrix-nio, against the server: what a bot does.

Starts the program that ROHRPOST_BIN names, with a configuration that an operator would write, and ends it again. The
last line says how many tests passed and failed.
"""

import asyncio
import os
import sys
import tempfile
import traceback
import urllib.request

import nio

import encryption
import rooms
from lab import PASSWORD, Server, account, good


async def a_wrong_password_is_refused_and_the_right_one_signs_in(server):
    anna = await account(server, "anna")
    other = nio.AsyncClient(server.url, "@anna:nio.example")
    good(await other.login("wrong password"), nio.LoginError)
    good(await other.login(PASSWORD), nio.LoginResponse)
    assert good(await other.whoami(), nio.WhoamiResponse).user_id == "@anna:nio.example"
    good(await other.logout(), nio.LogoutResponse)
    good(await other.whoami(), nio.WhoamiError)
    await other.close()
    await anna.close()


async def two_people_talk_in_a_room(server):
    ben, carla = await account(server, "ben"), await account(server, "carla")
    made = good(
        await ben.room_create(name="Bauamt", invite=["@carla:nio.example"]), nio.RoomCreateResponse
    )
    first = good(await carla.sync(timeout=0, full_state=True), nio.SyncResponse)
    assert made.room_id in first.rooms.invite, "the invitation is told"
    good(await carla.join(made.room_id), nio.JoinResponse)
    good(await carla.sync(timeout=0), nio.SyncResponse)
    waiting = asyncio.ensure_future(carla.sync(timeout=30000))
    content = {"msgtype": "m.text", "body": "Guten Morgen"}
    sent = good(await ben.room_send(made.room_id, "m.room.message", content), nio.RoomSendResponse)
    news = good(await waiting, nio.SyncResponse)
    events = news.rooms.join[made.room_id].timeline.events
    assert [event.body for event in events if isinstance(event, nio.RoomMessageText)] == ["Guten Morgen"], events
    assert carla.rooms[made.room_id].display_name == "Bauamt"

    good(await carla.room_read_markers(made.room_id, sent.event_id, sent.event_id), nio.RoomReadMarkersResponse)
    good(await carla.room_typing(made.room_id, True), nio.RoomTypingResponse)
    good(await ben.sync(timeout=0, full_state=True), nio.SyncResponse)
    assert ben.rooms[made.room_id].typing_users == ["@carla:nio.example"]
    assert ben.rooms[made.room_id].member_count == 2

    page = good(await carla.room_messages(made.room_id, carla.next_batch), nio.RoomMessagesResponse)
    assert any(getattr(event, "body", "") == "Guten Morgen" for event in page.chunk)
    good(await ben.room_redact(made.room_id, sent.event_id, reason="Irrtum"), nio.RoomRedactResponse)
    gone = good(await carla.room_get_event(made.room_id, sent.event_id), nio.RoomGetEventResponse)
    assert isinstance(gone.event, nio.RedactedEvent), gone.event
    await ben.close()
    await carla.close()


async def a_file_comes_back_as_it_was(server):
    dora = await account(server, "dora")
    data = os.urandom(100_000)
    path = server.folder / "file.bin"
    path.write_bytes(data)
    uploaded, _ = await dora.upload(
        lambda *_: str(path), content_type="application/octet-stream", filename="file.bin", filesize=len(data)
    )
    uri = good(uploaded, nio.UploadResponse).content_uri
    request = urllib.request.Request(
        f"{server.url}/_matrix/client/v1/media/download/{uri.removeprefix('mxc://')}",
        headers={"Authorization": f"Bearer {dora.access_token}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.read() == data
    await dora.close()


async def names_and_rooms_are_as_they_were_set(server):
    emil = await account(server, "emil")
    good(await emil.set_displayname("Emil Amt"), nio.ProfileSetDisplayNameResponse)
    assert good(await emil.get_displayname(), nio.ProfileGetDisplayNameResponse).displayname == "Emil Amt"
    made = good(await emil.room_create(topic="Akten"), nio.RoomCreateResponse)
    state = good(await emil.room_get_state_event(made.room_id, "m.room.topic"), nio.RoomGetStateEventResponse)
    assert state.content["topic"] == "Akten"
    assert made.room_id in good(await emil.joined_rooms(), nio.JoinedRoomsResponse).rooms
    good(await emil.room_leave(made.room_id), nio.RoomLeaveResponse)
    good(await emil.room_forget(made.room_id), nio.RoomForgetResponse)
    assert made.room_id not in good(await emil.joined_rooms(), nio.JoinedRoomsResponse).rooms
    await emil.close()


TESTS = [
    a_wrong_password_is_refused_and_the_right_one_signs_in,
    two_people_talk_in_a_room,
    a_file_comes_back_as_it_was,
    names_and_rooms_are_as_they_were_set,
    *rooms.TESTS,
    *encryption.TESTS,
]


def main():
    failed = 0
    with tempfile.TemporaryDirectory(prefix="rohrpost-nio-") as folder, Server(folder) as server:
        for test in TESTS:
            name = test.__name__.replace("_", " ")
            try:
                asyncio.run(asyncio.wait_for(test(server), 120))
                print(f"ok: {name}")
            except Exception:
                failed += 1
                print(f"FAILED: {name}")
                traceback.print_exc()
        if failed:
            print(server.output())
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
