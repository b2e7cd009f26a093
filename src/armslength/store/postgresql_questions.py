"""What is asked of a PostgreSQL server: catalogs alone, and of those only what any role may read.

`pg_authid` and the options of user mappings, where passwords stand, are never asked for. Names are compared as oids and
told as names; PUBLIC, whose oid is 0, is told as an empty one. An object's own rights leave its owner out.
"""

from __future__ import annotations

_GRANTEE = "CASE WHEN a.grantee = 0 THEN '' ELSE coalesce(g.rolname, a.grantee::text) END"
_USERS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'"
_BUILT = "n.nspname = 'pg_catalog'"
_KINDS = "('r', 'p', 'v', 'm', 'S', 'f')"
_MEMBER = (
    "EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid "
    "AND e.refclassid = 'pg_extension'::regclass AND e.deptype = 'e')"
)
# Functions that do more than their caller may; those that an extension brought in C are its own business.
_ROUTINES = (
    "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang "
    f"WHERE {_USERS} AND p.prokind <> 'a' AND (p.prosecdef OR (NOT l.lanpltrusted AND NOT {_MEMBER}))"
)


def cluster_questions(version: int) -> dict[str, str]:
    """Once for the cluster."""
    options = "m.inherit_option, m.set_option" if version >= 16 else "NULL::boolean, NULL::boolean"
    parameters = (
        f"SELECT {_GRANTEE}, a.privilege_type, p.parname FROM pg_parameter_acl p "
        "CROSS JOIN LATERAL aclexplode(p.paracl) a LEFT JOIN pg_roles g ON g.oid = a.grantee "
        "WHERE a.grantee <> 10 ORDER BY 3, 1, 2"
        if version >= 15
        else "SELECT '', '', '' WHERE false"
    )
    return {
        "roles": "SELECT rolname, rolcanlogin, rolsuper, rolcreaterole, rolreplication, rolinherit FROM pg_roles "
        "ORDER BY 1",
        "memberships": f"SELECT r.rolname, u.rolname, m.admin_option, {options} FROM pg_auth_members m "
        "JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles u ON u.oid = m.member ORDER BY 1, 2, 3, 4, 5",
        "parameters": parameters,
        "databases": "SELECT d.datname, o.rolname FROM pg_database d JOIN pg_roles o ON o.oid = d.datdba ORDER BY 1",
        "database_rights": f"SELECT d.datname, {_GRANTEE}, a.privilege_type FROM pg_database d "
        "CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a "
        "LEFT JOIN pg_roles g ON g.oid = a.grantee WHERE a.grantee <> d.datdba ORDER BY 1, 2, 3",
        "open": "SELECT datname, datallowconn, datistemplate, has_database_privilege(oid, 'CONNECT') FROM pg_database "
        "ORDER BY 1",
    }


def database_questions(version: int) -> dict[str, str]:
    """Once for each database."""
    defaults = "acldefault(CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END::\"char\", c.relowner)"
    invoker = (
        "EXISTS (SELECT 1 FROM pg_options_to_table(c.reloptions) o "
        "WHERE o.option_name = 'security_invoker' AND o.option_value::boolean)"
        if version >= 15
        else "false"
    )
    added = (
        "NOT EXISTS (SELECT 1 FROM aclexplode(coalesce(i.initprivs, {default})) b "
        "WHERE b.grantee = a.grantee AND b.privilege_type = a.privilege_type)"
    )
    return {
        "schemas": "SELECT n.nspname, o.rolname FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner "
        f"WHERE {_USERS} ORDER BY 1",
        "schema_rights": f"SELECT n.nspname, {_GRANTEE}, a.privilege_type FROM pg_namespace n "
        "CROSS JOIN LATERAL aclexplode(n.nspacl) a LEFT JOIN pg_roles g ON g.oid = a.grantee "
        f"WHERE {_USERS} AND a.grantee <> n.nspowner ORDER BY 1, 2, 3",
        "relations": f"SELECT n.nspname, c.relname, c.relkind::text, o.rolname, c.relrowsecurity, {invoker} "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles o ON o.oid = c.relowner "
        f"WHERE c.relkind IN {_KINDS} AND {_USERS} ORDER BY 1, 2",
        "relation_rights": f"SELECT n.nspname, c.relname, x.name, {_GRANTEE}, a.privilege_type "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL "
        "(SELECT ''::text AS name, c.relacl AS acl UNION ALL SELECT t.attname::text, t.attacl FROM pg_attribute t "
        "WHERE t.attrelid = c.oid AND NOT t.attisdropped AND t.attacl IS NOT NULL) x "
        "CROSS JOIN LATERAL aclexplode(x.acl) a LEFT JOIN pg_roles g ON g.oid = a.grantee "
        f"WHERE c.relkind IN {_KINDS} AND {_USERS} AND a.grantee <> c.relowner ORDER BY 1, 2, 3, 4, 5",
        "builtin_relation_rights": f"SELECT n.nspname, c.relname, x.name, {_GRANTEE}, a.privilege_type "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL "
        "(SELECT ''::text AS name, c.relacl AS acl, 0 AS place UNION ALL SELECT t.attname::text, t.attacl, t.attnum "
        "FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attacl IS NOT NULL) x "
        "LEFT JOIN pg_init_privs i ON i.classoid = 'pg_class'::regclass AND i.objoid = c.oid AND i.objsubid = x.place "
        "CROSS JOIN LATERAL aclexplode(x.acl) a LEFT JOIN pg_roles g ON g.oid = a.grantee "
        f"WHERE {_BUILT} AND a.grantee <> c.relowner "
        "AND NOT EXISTS (SELECT 1 FROM aclexplode(coalesce(i.initprivs, CASE WHEN x.place = 0 THEN "
        f"{defaults} END)) b WHERE b.grantee = a.grantee AND b.privilege_type = a.privilege_type) "
        "ORDER BY 1, 2, 3, 4, 5",
        # What views and rules name, and the children of a table.
        "references": "SELECT n.nspname, c.relname, m.nspname, t.relname, f.ruled FROM ("
        "SELECT w.ev_class AS one, d.refobjid AS other, w.ev_type <> '1' AS ruled FROM pg_rewrite w JOIN pg_depend d "
        "ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass "
        "UNION SELECT inhparent, inhrelid, false FROM pg_inherits) f "
        "JOIN pg_class c ON c.oid = f.one JOIN pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_class t ON t.oid = f.other JOIN pg_namespace m ON m.oid = t.relnamespace "
        f"WHERE c.oid <> t.oid AND c.relkind IN {_KINDS} AND t.relkind IN {_KINDS} AND {_USERS} ORDER BY 1, 2, 3, 4, 5",
        "triggers": "SELECT n.nspname, c.relname, f.nspname, p.proname FROM pg_trigger t "
        "JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace f ON f.oid = p.pronamespace "
        f"WHERE NOT t.tgisinternal AND {_USERS} ORDER BY 1, 2, 3, 4",
        "routines": "SELECT n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), "
        "pg_get_userbyid(p.proowner), p.prosecdef, NOT l.lanpltrusted, p.prorettype = 'event_trigger'::regtype "
        f"{_ROUTINES} ORDER BY 1, 2, 3",
        "routine_rights": "SELECT r.*, "
        f"{_GRANTEE}, a.privilege_type FROM (SELECT n.nspname, p.proname, "
        "pg_get_function_identity_arguments(p.oid), p.oid AS id "
        f"{_ROUTINES}) q JOIN pg_proc p ON p.oid = q.id "
        "CROSS JOIN LATERAL (SELECT q.nspname, q.proname, q.pg_get_function_identity_arguments) r "
        "CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a "
        "LEFT JOIN pg_roles g ON g.oid = a.grantee WHERE a.grantee <> p.proowner ORDER BY 1, 2, 3, 4",
        "builtin_function_rights": f"SELECT n.nspname, p.proname, {_GRANTEE}, a.privilege_type "
        "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "LEFT JOIN pg_init_privs i ON i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid AND i.objsubid = 0 "
        "CROSS JOIN LATERAL aclexplode(p.proacl) a LEFT JOIN pg_roles g ON g.oid = a.grantee "
        f"WHERE ({_BUILT} OR (NOT p.prosecdef AND {_MEMBER})) AND a.grantee <> p.proowner AND "
        + added.format(default="acldefault('f', p.proowner)")
        + " ORDER BY 1, 2, 3, 4",
        "servers": "SELECT s.srvname, o.rolname FROM pg_foreign_server s JOIN pg_roles o ON o.oid = s.srvowner "
        "ORDER BY 1",
        "server_rights": f"SELECT s.srvname, {_GRANTEE}, a.privilege_type FROM pg_foreign_server s "
        "CROSS JOIN LATERAL aclexplode(s.srvacl) a LEFT JOIN pg_roles g ON g.oid = a.grantee "
        "WHERE a.grantee <> s.srvowner ORDER BY 1, 2, 3",
        "mappings": "SELECT srvname, CASE WHEN umuser = 0 THEN '' ELSE usename END FROM pg_user_mappings ORDER BY 1, 2",
        "defaults": "SELECT o.rolname, coalesce(n.nspname, ''), d.defaclobjtype::text FROM pg_default_acl d "
        "JOIN pg_roles o ON o.oid = d.defaclrole LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace "
        "ORDER BY 1, 2, 3",
        "wrappers": "SELECT DISTINCT w.fdwname FROM pg_foreign_data_wrapper w "
        "CROSS JOIN LATERAL aclexplode(w.fdwacl) a WHERE a.grantee <> w.fdwowner ORDER BY 1",
        "large_objects": "SELECT 1 FROM pg_largeobject_metadata WHERE lomacl IS NOT NULL LIMIT 1",
    }
