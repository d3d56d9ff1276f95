"""referral (转办): when one that nobody answered goes back to its coordinator (逾期收回). Pure.

Five working days after the day it should have been accepted: our own default, so that reminders can work first.
"""

from datetime import datetime

from rules.calendar import WorkCalendar
from rules.deadlines import end_of_day, last_day

GRACE_WORKING_DAYS = 5


def expires_at(accept_by: datetime, calendar: WorkCalendar) -> datetime:
    """The instant from which a referral still `requested` may expire: 24:00 in Shanghai of the fifth working day."""
    return end_of_day(calendar.add_workdays(last_day(accept_by), GRACE_WORKING_DAYS))
