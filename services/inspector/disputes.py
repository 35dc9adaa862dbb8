"""What somebody is answerable for, with the proof, and how officers are told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from libmatch.encoding import enc, u32
from libmatch.records import FlaggedPair, FlaggedRecord
from services.inspector.matcher import BatchSummary
from services.inspector.states import DisputeKind

MATCHER = "matcher"

# ``{0}`` is the dispute's detail: a number of the matcher's, a unit's name, a batch.
WHAT_ZH = {
    DisputeKind.LOG: "比对平台的审计日志与纪委此前（日志共{0}条时）看到的相矛盾，证据已保存",
    DisputeKind.LISTING: "比对平台给出的{0}清单次序混乱，无法读取",
    DisputeKind.GAP: "比中编号{0}缺失：可能有比中结果没有提供给纪委",
    DisputeKind.CONTRADICTION: "编号{0}的比中信息与平台此前提供的不一致",
    DisputeKind.NOT_LOGGED: "该比中结果不在比对平台的审计日志里",
    DisputeKind.WITHHELD: "比对平台列出了该比中结果，但没有提供两条记录",
    DisputeKind.MALFORMED: "比对平台提供的数据不符合格式（{0}）",
    DisputeKind.UNSIGNED: "比对平台提供的批次不是{0}签名的内容",
    DisputeKind.CAPSULE: "{0}的密钥封装打不开，须由该单位重新提交",
    DisputeKind.ROW: "比对平台提供的记录不属于单位签名的批次，或两条记录不是同一人",
    DisputeKind.RECORD: "该单位密封的记录打不开，或内容不符合规范",
    DisputeKind.PERSONS: "两个单位的记录密封的不是同一个人，须双方核对",
    DisputeKind.UNKNOWN_PARTY: "{0}不在纪委现有的名册和周期文件中；更新后自动重试",
    DisputeKind.NOTICE: "比对平台不接收发给{0}的告知书",
    DisputeKind.ASSIGNMENT: "比对平台不接受把该比中结果归入纪委的事项，受益单位的审批将一直暂缓",
    DisputeKind.REPORT: "{0}的事项报告打不开，或没有给纪委的一份，须由该单位核对",
    DisputeKind.REPORT_UNSIGNED: "比对平台提供的事项报告不是{0}签名的内容",
    DisputeKind.REPORT_ALTERED: "比对平台没有完整提供{0}给纪委的事项报告，或改动了内容",
    DisputeKind.REPORT_REPEATED: "比对平台把{0}的同一序号的事项报告提供了两次",
    DisputeKind.REPORT_BODY: "{0}的事项报告内容不是该事项的有效步骤，或核查结果的签名不符，须由该单位核对",
    DisputeKind.REPORT_GAP: "事项报告编号{0}缺失：可能有报告没有提供给纪委",
}


@dataclass(frozen=True, repr=False)
class Dispute:
    """``answerable`` are ``"matcher"`` or names of units, nobody where that is not known yet.

    ``hit_id`` is empty where it is not about one hit; ``evidence`` are canonical bytes that a third
    party can check (``encode_batch``, ``encode_pair``, the signed notes of a log), empty for none.
    """

    kind: DisputeKind
    answerable: tuple[str, ...]
    hit_id: bytes = b""
    detail: str = ""
    evidence: bytes = b""

    @property
    def key(self) -> str:
        """The same for the same dispute found again."""
        return ":".join((self.kind, self.hit_id.hex(), "|".join(self.answerable), self.detail))

    @property
    def what_zh(self) -> str:
        """For officers: what happened, without personal data."""
        return WHAT_ZH[self.kind].format(self.detail)


@dataclass(frozen=True, repr=False)
class ListedDispute:
    """A dispute as it is kept."""

    number: int
    dispute: Dispute
    found_at: datetime


def unknown_party(unit: str | None) -> Dispute:
    """Nobody's fault yet: the kit may be older than what the matcher works with. None: the epoch."""
    return Dispute(DisputeKind.UNKNOWN_PARTY, (), detail=unit or "部分记录所属的周期")


def encode_batch(batch: BatchSummary) -> bytes:
    """``enc("evidence-batch", B, capsule, root, signature)``."""
    return enc("evidence-batch", batch.header.encode(), batch.capsule, batch.root, batch.signature)


def encode_pair(pair: FlaggedPair) -> bytes:
    """``enc("evidence-pair", registry record, beneficiary record)``, as they were handed out."""
    return enc("evidence-pair", _encode_record(pair.registry), _encode_record(pair.beneficiary))


def _encode_record(record: FlaggedRecord) -> bytes:
    row = record.row
    return enc(
        "flagged",
        record.header.encode(),
        record.capsule,
        record.signature,
        u32(record.position),
        *(row.rid, row.c_reg, row.c_ben, row.half, row.com, row.ct),
        b"".join(record.path),
    )
