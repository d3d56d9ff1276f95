import asyncio, time, statistics, json, os
from uuid import uuid4
from tests.jobs.desk import UNION, LABOUR
from tests.jobs.test_deliveries import activate, challenged
from tests.outbound.receivers import receiving
from jobs.main import run_jobs
from db.transaction import open_system_transaction
from db.queries.events import take_turn
from db.queries.deliveries import claim_due
from datetime import timedelta
async def test_figures(desk, settings):
    await desk.number()
    async def fill(n):
        await desk.behind.execute("""INSERT INTO event (id,type,subject_type,subject_id,subject_version,actor_agency_id,parties,correlation_id,data,occurred_at)
        SELECT (left(first_id_at(now())::text,24)||lpad(to_hex(i+$4::bigint),12,'0'))::uuid,'referral.requested','referral',gen_random_uuid(),1,$1::uuid,jsonb_build_object($1::uuid::text,'["sender"]'::jsonb,$2::uuid::text,'["addressee"]'::jsonb),'c','{"from":"draft","to":"requested","changed":["status"]}',now() FROM generate_series(1,$3::int) i""", desk.agency(UNION), desk.agency(LABOUR), n, int(time.time())%1000000*100000)
    await fill(10000)
    t=time.perf_counter(); n=0
    while (k:=await desk.number()): n+=k
    dt=time.perf_counter()-t
    print(f"\nsequencer: {n} events, 2 agencies each, {n/dt:.0f} events/s {2*n/dt:.0f} entries/s")
    t=time.perf_counter()
    for _ in range(200): await desk.number()
    print(f"idle poll {(time.perf_counter()-t)/200*1000:.2f} ms")
    async with receiving(challenged) as r:
        post = await activate(desk, r)
        await fill(2000); 
        while await desk.number(): pass
        t=time.perf_counter(); n=0
        while (k:=await post.deliver()): n+=k
        dt=time.perf_counter()-t
        print(f"deliver batchwise to 1 endpoint {n}: {n/dt:.0f}/s")
        await fill(2000); 
        while await desk.number(): pass
        stop=asyncio.Event(); t=time.perf_counter(); start=len(r.requests)
        task=asyncio.create_task(post.courier.run(stop))
        while len(r.requests)-start<2000: await asyncio.sleep(0.02)
        dt=time.perf_counter()-t; stop.set(); await task
        print(f"courier.run to 1 endpoint (4 at once) {2000/dt:.0f}/s")
        stop=asyncio.Event(); task=asyncio.create_task(run_jobs(desk.jobs, settings, stop))
        await asyncio.sleep(1)
        lat=[]
        for _ in range(30):
            fact=await desk.record(UNION); t=time.perf_counter()
            while not post.received(fact): await asyncio.sleep(0.002)
            lat.append(time.perf_counter()-t); await asyncio.sleep(0.03)
        stop.set(); await task
        lat.sort(); print(f"commit to receiver ms p50 {lat[15]*1000:.0f} max {lat[-1]*1000:.0f}")
    await desk.behind.execute("""INSERT INTO webhook_endpoint (id, agency_id, url, types, status, keys, public_key, challenge, activated_at, created_at, version) SELECT gen_random_uuid(), $1, 'https://a.example/', '{case.closed}', 'active', '', '', '', now(), now(), 1 FROM generate_series(1,1000)""", desk.agency(UNION))
    await desk.behind.execute("ANALYZE")
    async with open_system_transaction(desk.jobs) as raw:
        t=time.perf_counter()
        for _ in range(20): await claim_due(raw, lease=uuid4(), lease_for=timedelta(seconds=1), limit=200, per_endpoint=4)
        print(f"idle claim over 1000 endpoints {(time.perf_counter()-t)/20*1000:.2f} ms")
    # poison: 100k backlog
    eid=await desk.behind.fetchval("select id from webhook_endpoint where types='{case.closed}' limit 1")
    await desk.behind.execute("""INSERT INTO delivery (id,endpoint_id,agency_id,event_id,event_type,subject_id,sequence,body,status,attempts,due_at,replay,created_at) SELECT gen_random_uuid(),$1,$2,gen_random_uuid(),'case.closed',gen_random_uuid(),i,'{}','pending',0,now(),false,now() FROM generate_series(1,100000) i""", eid, desk.agency(UNION))
    async with open_system_transaction(desk.jobs) as raw:
        t=time.perf_counter()
        for _ in range(20): await claim_due(raw, lease=uuid4(), lease_for=timedelta(seconds=1), limit=200, per_endpoint=4)
        print(f"claim with a backlog of 100,000 at one endpoint {(time.perf_counter()-t)/20*1000:.2f} ms")
