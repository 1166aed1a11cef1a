-- Sliding sync sorts rooms by their last proper activity: position of the newest event that people wrote.
ALTER TABLE rooms ADD COLUMN bump_pos INTEGER NOT NULL DEFAULT 0;
UPDATE rooms SET bump_pos = COALESCE((SELECT MAX(e.pos) FROM events e WHERE e.room_nid = rooms.nid AND e.status = 0
    AND e.kind IN ('m.room.create', 'm.room.message', 'm.room.encrypted', 'm.sticker', 'm.call.invite', 'm.poll.start',
    'org.matrix.msc3381.poll.start', 'm.beacon_info', 'org.matrix.msc3672.beacon_info')), last_pos);
