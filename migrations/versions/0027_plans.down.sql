-- What stood before revision 0027: alerts without plans.

DROP TABLE plan_task, plan_activation, plan;
