"""ErrorRadar: which step of a worked solution is wrong, and in what way (arXiv 2410.04509)."""

from simlearn.analysis.errorradar.blind_answers import label_baselines
from simlearn.analysis.errorradar.category_reply import parse_category
from simlearn.analysis.errorradar.endpoint import EndpointError
from simlearn.analysis.errorradar.error_protocol import ErrorRadar
from simlearn.analysis.errorradar.error_questions import ErrorQuestions
from simlearn.analysis.errorradar.error_records import ErrorRecords
from simlearn.analysis.errorradar.human_ratings import human_gap, human_scores
from simlearn.analysis.errorradar.local_model import LocalModel
from simlearn.analysis.errorradar.mcnemar import mcnemar_test
from simlearn.analysis.errorradar.metrics import error_radar_metrics
from simlearn.analysis.errorradar.openai_server import OpenAIServer
from simlearn.analysis.errorradar.parsed import Parsed
from simlearn.analysis.errorradar.problems import generate_problems
from simlearn.analysis.errorradar.prompts import build_prompt
from simlearn.analysis.errorradar.rating_file import read_ratings
from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.records import read_records
from simlearn.analysis.errorradar.replay import Replay
from simlearn.analysis.errorradar.reply_store import ReplyStore
from simlearn.analysis.errorradar.step_reply import parse_step
from simlearn.analysis.errorradar.synthetic_problems import SyntheticProblems

__all__ = [
    "EndpointError",
    "ErrorQuestions",
    "ErrorRadar",
    "ErrorRecords",
    "LocalModel",
    "OpenAIServer",
    "Parsed",
    "Record",
    "Replay",
    "ReplyStore",
    "SyntheticProblems",
    "build_prompt",
    "error_radar_metrics",
    "generate_problems",
    "human_gap",
    "human_scores",
    "label_baselines",
    "mcnemar_test",
    "parse_category",
    "parse_step",
    "read_ratings",
    "read_records",
]
