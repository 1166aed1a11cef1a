-- Guests are few among the accounts, and looked for as such: how many there are, and which of them nobody uses.
CREATE INDEX users_guests ON users (user_id) WHERE kind = 'guest' AND state = 'active';

