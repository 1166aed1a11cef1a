-- Devices that receive keys while nobody is signed in: one for each user. The device stands in `devices` as well; here is
-- what a new device of the user, and nobody else, can make it live with.
CREATE TABLE dehydrated_devices (
    user_id TEXT PRIMARY KEY,
    device_id TEXT NOT NULL,
    -- Encrypted by the user's clients, as JSON.
    data TEXT NOT NULL
) STRICT, WITHOUT ROWID;
