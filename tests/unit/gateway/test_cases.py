"""Who gets where: written by hand, from the documentation, without a look at the tables. An error in a table shows here."""

from typing import Any

import pytest

from dotdo.http import HttpResponse

EVERYTHING = (
    "DB", "AUTH", "SCHEDULE", "APP", "BATCH", "AI", "WORKFLOWS", "QUEUE", "EVENTS", "EMBEDDINGS", "CODE_EXEC", "CLAUDE_CODE",
    "AGENT", "FN", "UNIVERSAL_API",
)  # fmt: skip

# method, host, path, caller → status or the Worker with the path it sees
CASES = """
GET    api.test         /db/things?ns=a            viewer  DB /things?ns=a
GET    api.test         /db/things/a/b?x=1         user    DB /things/a/b?x=1
GET    api.test         /db                        viewer  DB /
GET    api.test         /db/                       viewer  DB /
GET    api.test         /db/things                 -       401
GET    api.test         /db/things                 wrong   401
HEAD   api.test         /db/things/a/b             viewer  DB /things/a/b
POST   api.test         /db/things                 viewer  403
POST   api.test         /db/things                 user    DB /things
POST   api.test         /db/things                 -       401
PUT    api.test         /db/things/a/b             viewer  403
PATCH  api.test         /db/things/a/b             user    DB /things/a/b
DELETE api.test         /db/things/a/b             viewer  403
DELETE api.test         /db/things/a/b             admin   DB /things/a/b
GET    api.test         /relationships?ns=a        edges   DB /relationships?ns=a
GET    api.test         /relationships             viewer  403
POST   api.test         /relationships             edges   403
POST   api.test         /relationships             admin   DB /relationships
POST   api.test         /relationships             linker  DB /relationships
PUT    api.test         /relationships/a           linker  DB /relationships/a
PATCH  api.test         /relationships/a           linker  DB /relationships/a
DELETE api.test         /relationships/a/b         linker  DB /relationships/a/b
DELETE api.test         /relationships/a/b         edges   403
DELETE api.test         /relationships/a/b         user    403
GET    api.test         /relationships             linker  403
DELETE api.test         /relationships/a/b         -       401
GET    api.test         /db/search?q=a             finder  DB /search?q=a
POST   api.test         /db/search                 finder  DB /search
POST   api.test         /db/search                 user    403
GET    api.test         /db/search                 viewer  403
GET    api.test         /db/search                 -       401
GET    api.test         /db/searches               finder  403
OPTIONS api.test        /db/things                 viewer  DB /things
OPTIONS api.test        /db/things                 -       401
GET    api.test         /relationshipsx            admin   404
GET    api.test         /auth                      -       AUTH /
GET    api.test         /auth/login?return_to=/    -       AUTH /login?return_to=/
POST   api.test         /auth/refresh              -       AUTH /refresh
GET    api.test         /auth/session              wrong   AUTH /session
POST   api.test         /auth/apikeys              viewer  AUTH /apikeys
GET    api.test         /auth/sso/authorize        -       AUTH /sso/authorize
GET    api.test         /auth/%6cogin              -       AUTH /login
GET    api.test         /schedule/tasks            -       401
GET    api.test         /schedule/tasks            user    403
GET    api.test         /schedule/tasks            scoped  403
GET    api.test         /schedule/tasks            admin   SCHEDULE /tasks
POST   api.test         /schedule/tasks/x/run      user    403
GET    api.test         /%73chedule/tasks          user    403
GET    api.test         /db/../schedule/tasks      user    403
GET    api.test         /db/%2e%2e/schedule/tasks  user    403
GET    api.test         //schedule//tasks          user    403
GET    api.test         /db/..%2fschedule/tasks    admin   400
GET    api.test         /db%5c..%5cschedule        admin   400
GET    api.test         /SCHEDULE/tasks            -       404
GET    api.test         /admin                     user    403
GET    api.test         /admin/users               admin   APP /users
GET    api.test         /admin/users               scoped  403
GET    api.test         /admin/users               -       401
GET    api.test         /batch/jobs                user    403
GET    api.test         /batch/jobs                scoped  403
GET    api.test         /batch/jobs                -       401
POST   api.test         /batch/jobs                user    403
POST   api.test         /batch/jobs                admin   BATCH /jobs
GET    api.test         /ai/models                 viewer  403
GET    api.test         /ai/models                 reader  AI /models
POST   api.test         /ai/chat                   reader  403
POST   api.test         /ai/chat                   writer  AI /chat
GET    api.test         /ai/models                 writer  403
GET    api.test         /ai/models                 -       401
GET    api.test         /workflows/a               viewer  WORKFLOWS /a
POST   api.test         /workflows/a               user    403
POST   api.test         /workflows/a               scoped  403
POST   api.test         /workflows/a               admin   WORKFLOWS /a
GET    api.test         /workflows/a               -       401
POST   api.test         /queue/jobs                viewer  QUEUE /jobs
POST   api.test         /queue/jobs                -       401
GET    api.test         /events                    viewer  EVENTS /
GET    api.test         /events                    -       401
POST   api.test         /embeddings                viewer  EMBEDDINGS /
GET    api.test         /embeddings                -       401
POST   api.test         /code/run                  -       401
POST   api.test         /code/run                  viewer  CODE_EXEC /run
POST   api.test         /claude-code/run           viewer  CLAUDE_CODE /run
POST   api.test         /claude-code/run           -       401
POST   api.test         /agent/a                   viewer  AGENT /a
POST   api.test         /agent/a                   -       401
POST   api.test         /fn/a                      -       401
POST   api.test         /fn/a                      viewer  FN /a
POST   api.test         /universal/call            viewer  UNIVERSAL_API /call
POST   api.test         /universal/call            -       401
GET    api.test         /nowhere                   admin   404
GET    api.test         /things                    admin   404
GET    api.services.do  /things?ns=a               viewer  DB /things?ns=a
GET    api.services.do  /things                    -       401
GET    apis.do          /things                    viewer  DB /things
GET    api.mw           /things                    viewer  DB /things
GET    one.two.api.mw   /things                    viewer  DB /things
GET    notapi.mw        /things                    viewer  404
GET    db.services.do   /things                    viewer  DB /things
POST   db.services.do   /rpc                       -       401
POST   db.services.do   /rpc                       viewer  403
GET    db.services.do   /relationships             viewer  403
GET    db.services.do   /relationships             edges   DB /relationships
POST   db.services.do   /relationships             user    403
POST   db.services.do   /search                    finder  DB /search
POST   db.services.do   /search                    user    403
GET    db.apis.do       /things                    viewer  DB /things
GET    db.mw            /things                    viewer  DB /things
GET    DB.MW            /things                    viewer  DB /things
GET    db.mw.           /things                    viewer  DB /things
GET    database.do      /things                    viewer  DB /things
GET    xn--82t.io       /things                    viewer  DB /things
GET    xn--6or.io       /things                    viewer  DB /things
GET    xn--zbs.io       /things                    viewer  DB /things
GET    xn--y5q.io       /a                         viewer  FN /a
GET    xn--3rt.io       /a                         viewer  WORKFLOWS /a
POST   xn--3rt.io       /a                         viewer  403
GET    xn--gmq.io       /a                         viewer  AGENT /a
GET    xn--gmq.io       /a                         -       401
GET    x.xn--82t.io     /things                    viewer  404
GET    auth.services.do /login                     -       AUTH /login
GET    auth.services.do /session                   wrong   AUTH /session
GET    ai.services.do   /models                    viewer  403
GET    ai.services.do   /models                    reader  AI /models
POST   queue.services.do /jobs                     viewer  QUEUE /jobs
POST   queue.services.do /jobs                     -       401
GET    admin.do         /users                     user    403
GET    admin.do         /users                     admin   APP /users
GET    admin.do         /                          -       401
GET    admin.do         /                          user    403
GET    admin.do         /                          admin   APP /
GET    admin.do         /docs                      admin   APP /docs
GET    admin.do         /ready                     admin   APP /ready
GET    admin.do         /openapi.json              user    403
GET    admin.do         /health                    -       200
GET    auth.services.do /                          -       AUTH /
GET    db.mw            /                          -       401
GET    db.mw            /                          viewer  DB /
GET    db.mw            /health                    -       200
GET    xn--6or.io       /docs                      viewer  DB /docs
GET    api.services.do  /                          -       200
GET    apis.do          /docs                      -       200
GET    one.two.api.mw   /openapi.json              -       200
GET    api.test         /                          -       200
GET    db.mw            /schedule/tasks            viewer  403
GET    db.mw            /db/things                 viewer  DB /things
"""


def credentials(verified: Any) -> dict[str, Any]:
    return {
        "admin": verified("admin", "*"),
        "user": verified("user", "things:read", "things:write"),
        "viewer": verified("viewer", "things:read"),
        "scoped": verified("admin", "things:read"),
        "edges": verified("user", "relationships:read"),
        "linker": verified("user", "relationships:write"),
        "finder": verified("user", "search:read"),
        "reader": verified("user", "ai:read"),
        "writer": verified("user", "ai:write"),
    }


@pytest.mark.parametrize("case", CASES.strip().splitlines(), ids=lambda case: "-".join(case.split()))
async def test_case(open_stage: Any, verified_as: Any, case: str) -> None:
    method, host, path, caller, *expected = case.split()
    known = credentials(verified_as)
    stage = open_stage(
        bound=EVERYTHING, auth=lambda credential: known.get(credential, {"valid": False, "code": "NOT_FOUND"})
    )
    headers = {} if caller == "-" else {"authorization": f"Bearer {caller}"}
    response = await stage.ask(method, path, headers, host)
    arrived = stage.arrived()
    if len(expected) == 1:
        assert (response.status, arrived) == (int(expected[0]), {})
        assert isinstance(response, HttpResponse)
        return
    binding, inner = expected
    assert response.status == 207
    assert [(name, passed[0][0]) for name, passed in arrived.items()] == [(binding, f"https://{host}{inner}")]


@pytest.mark.parametrize(
    ("path", "policy", "limit"),
    [
        ("/db/things", "default", 60), ("/relationships", "default", 60), ("/schedule/tasks", "default", 60),
        ("/auth/login", "auth", 10), ("/auth/callback", "auth", 10), ("/auth/refresh", "auth", 10),
        ("/auth/logout", "auth", 10), ("/auth/sso/authorize", "auth", 10), ("/auth/session", "default", 60),
        ("/auth/apikeys", "default", 60), ("/ai/models", "ai", 20), ("/batch/jobs", "batch", 5),
        ("/workflows/a", "workflows", 30), ("/queue/jobs", "default", 60), ("/auth/%6Cogin", "auth", 10),
        ("/db/search", "default", 60), ("/admin/users", "default", 60), ("/events", "default", 60),
        ("/embeddings", "default", 60), ("/code/run", "default", 60), ("/claude-code/run", "default", 60),
        ("/agent/a", "default", 60), ("/fn/a", "default", 60), ("/universal/call", "default", 60), ("/auth", "default", 60),
        ("/ready", "ip", 300),
    ],
)  # fmt: skip
async def test_class(open_stage: Any, path: str, policy: str, limit: int) -> None:
    stage = open_stage(bound=EVERYTHING)
    fields = dict((await stage.ask("GET", path, {"authorization": "Bearer admin-key"})).headers)
    assert fields["ratelimit-policy"] == f'"{policy}";q={limit};w=60'
    assert fields["ratelimit"].startswith(f'"{policy}";r={limit - 1};')
