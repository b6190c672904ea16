-- The right to execute orders, kept by the database that the orders are written to.
--
-- An executor calls take_order_lease() over one session of its own and keeps that session. The lock ends with the session,
-- however that ends, so a crash frees the lease at once. Every lease has a higher token than all before it; whatever
-- writes an order calls assert_order_lease() with its token in the same transaction, and is refused once a later executor
-- holds a higher one. Running this file again changes nothing.

CREATE SCHEMA IF NOT EXISTS order_execution;

CREATE TABLE IF NOT EXISTS order_execution.lease (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    token bigint NOT NULL,
    holder text NOT NULL,
    taken_at timestamptz NOT NULL
);

INSERT INTO order_execution.lease (token, holder, taken_at) VALUES (0, 'nobody', now()) ON CONFLICT DO NOTHING;

-- Yields the new token, or null while another session holds the lease. Refused where this cluster does not write.
CREATE OR REPLACE FUNCTION order_execution.take_order_lease(new_holder text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    new_token bigint;
BEGIN
    IF NOT pg_try_advisory_lock(hashtext('order_execution.lease')) THEN
        RETURN NULL;
    END IF;
    -- a holder that vanished without a word is noticed after eight seconds, less than a lease lasts unconfirmed
    PERFORM set_config('tcp_keepalives_idle', '2', false),
        set_config('tcp_keepalives_interval', '2', false),
        set_config('tcp_keepalives_count', '3', false);
    UPDATE order_execution.lease SET token = token + 1, holder = new_holder, taken_at = now() RETURNING token INTO new_token;
    RETURN new_token;
END;
$$;

-- Holds the row until the transaction ends, so that no new lease can begin between the question and the write.
CREATE OR REPLACE FUNCTION order_execution.assert_order_lease(my_token bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    current_token bigint;
BEGIN
    SELECT token INTO current_token FROM order_execution.lease FOR SHARE;
    IF current_token IS DISTINCT FROM my_token THEN
        RAISE EXCEPTION 'order lease % is over: % holds the right to execute', my_token, current_token
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END;
$$;
