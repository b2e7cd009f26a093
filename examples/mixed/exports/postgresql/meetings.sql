--
-- PostgreSQL database dump
--

\restrict hIZtbg7FPa5VXyMg5OYOyKoukvHfRRHexEDb3g5lADxffatJjGKaYoZiLMWhKoN

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: meetings; Type: DATABASE; Schema: -; Owner: meetings_owner
--

CREATE DATABASE meetings WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C.UTF-8';


ALTER DATABASE meetings OWNER TO meetings_owner;

\unrestrict hIZtbg7FPa5VXyMg5OYOyKoukvHfRRHexEDb3g5lADxffatJjGKaYoZiLMWhKoN
\connect meetings
\restrict hIZtbg7FPa5VXyMg5OYOyKoukvHfRRHexEDb3g5lADxffatJjGKaYoZiLMWhKoN

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: calls; Type: SCHEMA; Schema: -; Owner: meetings_owner
--

CREATE SCHEMA calls;


ALTER SCHEMA calls OWNER TO meetings_owner;

--
-- Name: end_meeting(bigint); Type: FUNCTION; Schema: calls; Owner: meetings_owner
--

CREATE FUNCTION calls.end_meeting(which bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'calls'
    AS $$UPDATE calls.meeting SET ended = now() WHERE id = which$$;


ALTER FUNCTION calls.end_meeting(which bigint) OWNER TO meetings_owner;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: account; Type: TABLE; Schema: calls; Owner: meetings_owner
--

CREATE TABLE calls.account (
    id bigint NOT NULL,
    company text,
    email text,
    suspended boolean DEFAULT false NOT NULL
);


ALTER TABLE calls.account OWNER TO meetings_owner;

--
-- Name: meeting; Type: TABLE; Schema: calls; Owner: meetings_owner
--

CREATE TABLE calls.meeting (
    id bigint NOT NULL,
    host bigint,
    started timestamp with time zone,
    ended timestamp with time zone
);


ALTER TABLE calls.meeting OWNER TO meetings_owner;

--
-- Name: transcript; Type: TABLE; Schema: calls; Owner: meetings_owner
--

CREATE TABLE calls.transcript (
    meeting bigint NOT NULL,
    body text
);


ALTER TABLE calls.transcript OWNER TO meetings_owner;

--
-- Name: usage; Type: VIEW; Schema: calls; Owner: meetings_owner
--

CREATE VIEW calls.usage AS
 SELECT date_trunc('day'::text, meeting.started) AS day,
    count(*) AS count
   FROM calls.meeting
  GROUP BY (date_trunc('day'::text, meeting.started));


ALTER TABLE calls.usage OWNER TO meetings_owner;

--
-- Name: account account_pkey; Type: CONSTRAINT; Schema: calls; Owner: meetings_owner
--

ALTER TABLE ONLY calls.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);


--
-- Name: meeting meeting_pkey; Type: CONSTRAINT; Schema: calls; Owner: meetings_owner
--

ALTER TABLE ONLY calls.meeting
    ADD CONSTRAINT meeting_pkey PRIMARY KEY (id);


--
-- Name: transcript transcript_pkey; Type: CONSTRAINT; Schema: calls; Owner: meetings_owner
--

ALTER TABLE ONLY calls.transcript
    ADD CONSTRAINT transcript_pkey PRIMARY KEY (meeting);


--
-- Name: meeting meeting_host_fkey; Type: FK CONSTRAINT; Schema: calls; Owner: meetings_owner
--

ALTER TABLE ONLY calls.meeting
    ADD CONSTRAINT meeting_host_fkey FOREIGN KEY (host) REFERENCES calls.account(id);


--
-- Name: transcript transcript_meeting_fkey; Type: FK CONSTRAINT; Schema: calls; Owner: meetings_owner
--

ALTER TABLE ONLY calls.transcript
    ADD CONSTRAINT transcript_meeting_fkey FOREIGN KEY (meeting) REFERENCES calls.meeting(id);


--
-- Name: DATABASE meetings; Type: ACL; Schema: -; Owner: meetings_owner
--

REVOKE CONNECT,TEMPORARY ON DATABASE meetings FROM PUBLIC;
GRANT TEMPORARY ON DATABASE meetings TO PUBLIC;
GRANT CONNECT ON DATABASE meetings TO meetings_app;
GRANT CONNECT ON DATABASE meetings TO readers;
GRANT CONNECT ON DATABASE meetings TO support;
GRANT CONNECT ON DATABASE meetings TO analysts;


--
-- Name: SCHEMA calls; Type: ACL; Schema: -; Owner: meetings_owner
--

GRANT USAGE ON SCHEMA calls TO meetings_app;
GRANT USAGE ON SCHEMA calls TO readers;
GRANT USAGE ON SCHEMA calls TO support;
GRANT USAGE ON SCHEMA calls TO analysts;


--
-- Name: FUNCTION end_meeting(which bigint); Type: ACL; Schema: calls; Owner: meetings_owner
--

REVOKE ALL ON FUNCTION calls.end_meeting(which bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION calls.end_meeting(which bigint) TO support;


--
-- Name: TABLE account; Type: ACL; Schema: calls; Owner: meetings_owner
--

GRANT SELECT,INSERT,UPDATE ON TABLE calls.account TO meetings_app;


--
-- Name: COLUMN account.id; Type: ACL; Schema: calls; Owner: meetings_owner
--

GRANT SELECT(id) ON TABLE calls.account TO support;


--
-- Name: COLUMN account.company; Type: ACL; Schema: calls; Owner: meetings_owner
--

GRANT SELECT(company) ON TABLE calls.account TO support;


--
-- Name: COLUMN account.suspended; Type: ACL; Schema: calls; Owner: meetings_owner
--

GRANT SELECT(suspended),UPDATE(suspended) ON TABLE calls.account TO support;


--
-- Name: TABLE meeting; Type: ACL; Schema: calls; Owner: meetings_owner
--

GRANT SELECT,INSERT,UPDATE ON TABLE calls.meeting TO meetings_app;
GRANT SELECT ON TABLE calls.meeting TO readers;
GRANT SELECT ON TABLE calls.meeting TO support;


--
-- Name: TABLE transcript; Type: ACL; Schema: calls; Owner: meetings_owner
--

GRANT SELECT,INSERT,UPDATE ON TABLE calls.transcript TO meetings_app;


--
-- Name: TABLE usage; Type: ACL; Schema: calls; Owner: meetings_owner
--

GRANT SELECT,INSERT,UPDATE ON TABLE calls.usage TO meetings_app;
GRANT SELECT ON TABLE calls.usage TO analysts;


--
-- PostgreSQL database dump complete
--

\unrestrict hIZtbg7FPa5VXyMg5OYOyKoukvHfRRHexEDb3g5lADxffatJjGKaYoZiLMWhKoN

