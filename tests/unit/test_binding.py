"""Ciphertext is read in the thread that it was written for, as what it was written as."""

import pytest
from encryption import encrypting
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.serde.base import CipherProtocol
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langgraph_dualstore.serialization import BoundSerializer, Codecs

SERDE = encrypting()
ANOTHER = "it belongs to another thread"
ids = st.text(st.characters(), max_size=8)
values = st.one_of(
    st.none(), st.binary(), st.binary().map(bytearray), st.text(), st.lists(st.integers(0, 300))
)


class Inheriting(EncryptedSerializer):
    """A class of somebody's own, which encrypts as LangGraph's does."""


class Own(EncryptedSerializer):
    def dumps_typed(self, obj):
        type_, data = super().dumps_typed(obj)
        return type_, b"own" + data

    def loads_typed(self, data):
        return super().loads_typed((data[0], data[1][3:]))


class Shifting(CipherProtocol):
    """Keeps nothing secret, and so shows what is encrypted."""

    def encrypt(self, plaintext):
        return "shift", plaintext[::-1]

    def decrypt(self, ciphername, ciphertext):
        return ciphertext[::-1]


@given(thread_id=ids, value=values)
def test_a_value_comes_back_in_its_thread(thread_id, value):
    typed = Codecs(SERDE).of(thread_id).dumps(value)
    found = Codecs(SERDE).of(thread_id).loads(typed)
    assert (type(found), found) == (type(value), value)
    assert typed[0].endswith("+aes+thread")


@given(ours=ids, theirs=ids, value=values)
def test_a_value_of_another_thread_is_refused(ours, theirs, value):
    assume(ours != theirs)
    typed = Codecs(SERDE).of(theirs).dumps(value)
    with pytest.raises(ValueError, match=ANOTHER):
        Codecs(SERDE).of(ours).loads(typed)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("a", "a\0"), ("a", "A"), ("\xe9", "e\u0301"), ("1", " 1"), ("\ud800", "\ud801")],
)
def test_ids_that_look_alike_are_not_alike(ours, theirs):
    typed = Codecs(SERDE).of(theirs).dumps("a")
    with pytest.raises(ValueError, match=ANOTHER):
        Codecs(SERDE).of(ours).loads(typed)


@settings(max_examples=40)
@given(type_=st.one_of(st.sampled_from(["null", "bytes", "bytearray", "json", "pickle"]), ids))
def test_another_type_is_refused(type_):
    assume("+" not in type_ and type_ != "msgpack")
    codec = Codecs(encrypting(serde=JsonPlusSerializer(pickle_fallback=True))).of("a")
    _, data = codec.dumps([1])
    with pytest.raises(ValueError, match="or is not of the type"):
        codec.loads((f"{type_}+aes+thread", data))


@pytest.mark.parametrize("type_", ["msgpack+aes", "msgpack+aes+thread", "+aes+thread"])
def test_what_the_serializer_itself_encrypts_is_refused(type_):
    data = SERDE.dumps_typed(["a", "long enough to hold a digest"])[1]
    with pytest.raises(ValueError, match="thread"):
        Codecs(SERDE).of("a").loads((type_, data))


@pytest.mark.parametrize("type_", ["msgpack", "null", "bytes", "json", "", "thread"])
def test_plain_text_is_refused(type_):
    with pytest.raises(ValueError, match="it is not encrypted"):
        Codecs(SERDE).of("a").loads((type_, b""))


def test_an_unknown_cipher_and_cut_bytes_are_refused():
    codec = Codecs(SERDE).of("a")
    type_, data = codec.dumps("a")
    for typed in [("str+des+thread", data), (type_, data[:-1]), (type_, b""), (type_, data + b"a")]:
        with pytest.raises((ValueError, AssertionError)):
            codec.loads(typed)


def test_the_serializer_itself_does_not_take_a_bound_value_for_its_own():
    typed = Codecs(SERDE).of("a").dumps("a")
    with pytest.raises(AssertionError, match="Unsupported cipher"):
        SERDE.loads_typed(typed)


def test_elements_of_a_list_are_never_taken_for_plain_text():
    codec = Codecs(SERDE).of("a")
    elements = Codecs(JsonPlusSerializer()).of("a").dumps_messages([HumanMessage("a")])
    assert not codec.splits_lists
    with pytest.raises(ValueError, match="it is not encrypted"):
        codec.loads_list(b"".join(elements), 1)


def test_what_is_encrypted_begins_with_the_binding_and_then_is_what_the_serializer_wrote():
    serde = BoundSerializer(EncryptedSerializer(Shifting()), "a")
    plain = JsonPlusSerializer().dumps_typed(["a"])
    type_, data = serde.dumps_typed(["a"])
    assert type_ == "msgpack+shift+thread"
    assert data[::-1][16:] == plain[1]
    assert serde.plain(["a"]) == plain[1]
    # Pinned: another digest could not read what is stored.
    assert data[::-1][:16].hex() == "72062917b4966b62260401a3497166dd"


def test_a_subclass_that_changes_nothing_is_bound():
    typed = Codecs(Inheriting(SERDE.cipher)).of("a").dumps("a")
    with pytest.raises(ValueError, match=ANOTHER):
        Codecs(SERDE).of("b").loads(typed)


def test_a_subclass_with_a_way_of_its_own_is_used_as_it_is():
    codecs = Codecs(Own(SERDE.cipher))
    type_, data = codecs.of("a").dumps("a")
    assert (type_, data[:3]) == ("msgpack+aes", b"own")
    assert codecs.of("b").loads((type_, data)) == "a"
    assert codecs.bound("a") is None
    with pytest.raises(ValueError, match="it is not encrypted"):
        codecs.of("a").loads(("msgpack", b"\xa1a"))


def test_a_serializer_with_a_method_of_its_own_is_used_as_it_is():
    serde = encrypting()
    serde.loads_typed = serde.loads_typed
    assert Codecs(serde).bound("a") is not None  # the same method, looked up before
    serde.loads_typed = lambda typed: typed
    assert Codecs(serde).bound("a") is None


def test_all_threads_have_one_codec_if_nothing_is_encrypted():
    codecs = Codecs(JsonPlusSerializer())
    assert codecs.of("a") is codecs.of("b")
    assert not codecs.encrypts
    assert codecs.bound("a") is None
