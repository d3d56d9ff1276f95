"""The pages that `type` of a problem points to. Open to everybody: whoever reads an error may not be signed in."""

from api.problem_catalogue import KINDS
from api.problems import preferred_language
from web.problem_pages import problem_pages

router = problem_pages(KINDS, preferred_language)
