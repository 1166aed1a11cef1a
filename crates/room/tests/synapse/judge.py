"""Asks Synapse's own code what it thinks of rooms: one JSON object a line in, one a line out.

In:  {"version", "room_id", "events": [{"id", "json", "rejected", "before": [ids]}], "forks": [[[ids], ...], ...]}
Out: {"events": [{"id", "accepted", "why"}], "forks": [[ids] or null]}

Each event is judged by its auth events and by the state before it, as on receipt. `rejected` is what the other side
says of it, so that one difference doesn't draw others after it. Of Synapse only the rules and the resolution are used;
the store, which would read events and auth chains from its database, is a small one over the events of the line.
"""

import json
import logging
import sys

from synapse import event_auth
from synapse.api.errors import SynapseError
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.events import make_event_from_json
from synapse.state.v2 import resolve_events_with_store
from synapse.storage.databases.main.event_federation import StateDifference

logging.disable(logging.CRITICAL)


def run(coroutine):
    """Nothing here ever waits, so one step finishes it."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("waited for something")


class Clock:
    async def sleep(self, duration):
        return None


class Store:
    def __init__(self):
        self.events = {}

    async def get_events(self, event_ids, *args, **kwargs):
        return {id: self.events[id] for id in event_ids if id in self.events}

    def chain(self, ids):
        """These events and everything that they stand on."""
        found, todo = set(), list(ids)
        while todo:
            id = todo.pop()
            if id in found or id not in self.events:
                continue
            found.add(id)
            todo.extend(self.events[id].auth_event_ids())
        return found

    async def get_auth_chain_difference(self, room_id, state_sets, conflicted, additional):
        chains = [self.chain(ids) for ids in state_sets]
        difference = set.union(*chains) - set.intersection(*chains)
        if conflicted is None:
            return StateDifference(difference, None)
        # "The union of all such paths between any pair of events in the conflicted state set".
        subgraph = {id for id in self.chain(conflicted) if self.chain([id]) & conflicted}
        return StateDifference(difference, subgraph)


def judge(store, event, before):
    """None if the event is accepted, else why not."""
    try:
        run(event_auth.check_state_independent_auth_rules(store, event))
        cited = [store.events[id] for id in event.auth_event_ids()]
        event_auth.check_state_dependent_auth_rules(event, cited)
        event_auth.check_state_dependent_auth_rules(event, [store.events[id] for id in before])
    except SynapseError as refused:
        return refused.msg
    except Exception as failed:
        return f"{type(failed).__name__}: {failed}"
    return None


def answer(line):
    version = KNOWN_ROOM_VERSIONS[line["version"]]
    store, events, forks = Store(), [], []
    for given in line["events"]:
        try:
            event = make_event_from_json(given["json"], version)
            id = event.event_id
            why = judge(store, event, given["before"])
            store.events[id] = make_event_from_json(
                given["json"], version, rejected_reason="rejected" if given["rejected"] else None
            )
        except SynapseError as refused:
            id, why = given["id"], refused.msg
        events.append({"id": id, "accepted": why is None, "why": why})
    for states in line["forks"]:
        maps = [
            {(store.events[id].type, store.events[id].state_key): id for id in state} for state in states
        ]
        try:
            resolved = run(
                resolve_events_with_store(Clock(), line["room_id"], version, maps, None, store)
            )
            forks.append(sorted(resolved.values()))
        except Exception as failed:
            forks.append(None)
            print(f"resolution failed: {type(failed).__name__}: {failed}", file=sys.stderr)
    return {"events": events, "forks": forks}


for text in sys.stdin:
    print(json.dumps(answer(json.loads(text))), flush=True)
