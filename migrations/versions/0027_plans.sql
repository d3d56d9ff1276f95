-- Contingency plans: activated by an alert or as a drill, tasks across agencies, stood down.

CREATE TABLE plan (
    id UUID NOT NULL,
    agency_id UUID NOT NULL,
    title VARCHAR NOT NULL,
    level INTEGER NOT NULL,
    signals TEXT[] NOT NULL,
    actions JSONB NOT NULL,
    status VARCHAR NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT plan_status CHECK (status IN ('active', 'retired')),
    CONSTRAINT plan_level CHECK (level BETWEEN 1 AND 4),
    FOREIGN KEY(agency_id) REFERENCES agency (id)
);
CREATE INDEX plan_by_agency ON plan (agency_id, updated_at, id);

CREATE TABLE plan_activation (
    id UUID NOT NULL,
    plan_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    alert_id UUID,
    drill BOOLEAN NOT NULL,
    title VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    lesson VARCHAR,
    activated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT plan_activation_status CHECK (status IN ('active', 'stood_down')),
    CONSTRAINT plan_activation_drill CHECK (drill = (alert_id IS NULL)),
    FOREIGN KEY(plan_id) REFERENCES plan (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(alert_id) REFERENCES alert (id)
);
CREATE UNIQUE INDEX one_activation_at_a_time ON plan_activation (plan_id) WHERE status = 'active';
CREATE INDEX plan_activation_by_agency ON plan_activation (agency_id, updated_at, id);

CREATE TABLE plan_task (
    id UUID NOT NULL,
    activation_id UUID NOT NULL,
    agency_id UUID NOT NULL,
    owner_agency_id UUID NOT NULL,
    title VARCHAR NOT NULL,
    occasion VARCHAR,
    drill BOOLEAN NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    status VARCHAR NOT NULL,
    overdue BOOLEAN NOT NULL,
    done_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT plan_task_status CHECK (status IN ('open', 'done', 'cancelled')),
    FOREIGN KEY(activation_id) REFERENCES plan_activation (id),
    FOREIGN KEY(agency_id) REFERENCES agency (id),
    FOREIGN KEY(owner_agency_id) REFERENCES agency (id)
);
CREATE INDEX plan_task_by_agency ON plan_task (agency_id, updated_at, id);
CREATE INDEX plan_task_by_owner ON plan_task (owner_agency_id);
CREATE INDEX plan_task_by_activation ON plan_task (activation_id);
CREATE INDEX plan_task_untold ON plan_task (due_at) WHERE status = 'open' AND NOT overdue;

-- plan, plan_activation: the union's own. plan_task: of whoever has it, and of the union that activated the plan.

GRANT SELECT, INSERT, UPDATE (status, updated_at, version) ON plan TO tongli_app;
GRANT SELECT, INSERT, UPDATE (status, lesson, ended_at, updated_at, version) ON plan_activation TO tongli_app;
GRANT SELECT, INSERT, UPDATE (status, done_at, updated_at, version) ON plan_task TO tongli_app;
GRANT SELECT (id, agency_id, owner_agency_id, due_at, status, overdue, version), UPDATE (overdue) ON plan_task TO tongli_jobs;

ALTER TABLE plan ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE plan_activation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE plan_task ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS own ON plan;
CREATE POLICY own ON plan TO tongli_app USING (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS own ON plan_activation;
CREATE POLICY own ON plan_activation TO tongli_app USING (agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS party ON plan_task;
CREATE POLICY party ON plan_task FOR SELECT TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR owner_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS given ON plan_task;
CREATE POLICY given ON plan_task FOR INSERT TO tongli_app WITH CHECK (owner_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS ended ON plan_task;
CREATE POLICY ended ON plan_task FOR UPDATE TO tongli_app USING (
    agency_id = (SELECT acting_agency()) OR owner_agency_id = (SELECT acting_agency()));
DROP POLICY IF EXISTS jobs_clocks ON plan_task;
CREATE POLICY jobs_clocks ON plan_task TO tongli_jobs USING (true) WITH CHECK (true);
