"""Layout of the contexts that programs read: offsets to fields of the UAPI header.

The layout is ABI: it never changes, it only grows. When a field came is the timeline's to say.
"""

from functools import cache

__all__ = ["CONTEXTS", "context_field"]

#: Offset, bytes and name of each field; where several names share a place, the oldest.
_LAYOUT = {
    "__sk_buff": "0:4:len 4:4:pkt_type 8:4:mark 12:4:queue_mapping 16:4:protocol 20:4:vlan_present "
    "24:4:vlan_tci 28:4:vlan_proto 32:4:priority 36:4:ingress_ifindex 40:4:ifindex 44:4:tc_index "
    "48:20:cb 68:4:hash 72:4:tc_classid 76:4:data 80:4:data_end 84:4:napi_id 88:4:family "
    "92:4:remote_ip4 96:4:local_ip4 100:16:remote_ip6 116:16:local_ip6 132:4:remote_port "
    "136:4:local_port 140:4:data_meta 144:8:flow_keys 152:8:tstamp 160:4:wire_len 164:4:gso_segs "
    "168:8:sk 176:4:gso_size 180:1:tstamp_type 184:8:hwtstamp",
    "xdp_md": "0:4:data 4:4:data_end 8:4:data_meta 12:4:ingress_ifindex 16:4:rx_queue_index "
    "20:4:egress_ifindex",
    "bpf_sock_ops": "0:4:op 4:4:reply 4:16:replylong 20:4:family 24:4:remote_ip4 28:4:local_ip4 "
    "32:16:remote_ip6 48:16:local_ip6 64:4:remote_port 68:4:local_port 72:4:is_fullsock "
    "76:4:snd_cwnd 80:4:srtt_us 84:4:bpf_sock_ops_cb_flags 88:4:state 92:4:rtt_min "
    "96:4:snd_ssthresh 100:4:rcv_nxt 104:4:snd_nxt 108:4:snd_una 112:4:mss_cache 116:4:ecn_flags "
    "120:4:rate_delivered 124:4:rate_interval_us 128:4:packets_out 132:4:retrans_out "
    "136:4:total_retrans 140:4:segs_in 144:4:data_segs_in 148:4:segs_out 152:4:data_segs_out "
    "156:4:lost_out 160:4:sacked_out 164:4:sk_txhash 168:8:bytes_received 176:8:bytes_acked "
    "184:8:sk 192:8:skb_data 200:8:skb_data_end 208:4:skb_len 212:4:skb_tcp_flags "
    "216:8:skb_hwtstamp",
    "sk_msg_md": "0:8:data 8:8:data_end 16:4:family 20:4:remote_ip4 24:4:local_ip4 "
    "28:16:remote_ip6 44:16:local_ip6 60:4:remote_port 64:4:local_port 68:4:size 72:8:sk",
    "bpf_sock": "0:4:bound_dev_if 4:4:family 8:4:type 12:4:protocol 16:4:mark 20:4:priority "
    "24:4:src_ip4 28:16:src_ip6 44:4:src_port 48:4:dst_port 52:4:dst_ip4 56:16:dst_ip6 72:4:state "
    "76:4:rx_queue_mapping",
    "bpf_sock_addr": "0:4:user_family 4:4:user_ip4 8:16:user_ip6 24:4:user_port 28:4:family "
    "32:4:type 36:4:protocol 40:4:msg_src_ip4 44:16:msg_src_ip6 64:8:sk",
    "sk_reuseport_md": "0:8:data 8:8:data_end 16:4:len 20:4:eth_protocol 24:4:ip_protocol "
    "28:4:bind_inany 32:4:hash 40:8:sk 48:8:migrating_sk",
    "bpf_cgroup_dev_ctx": "0:4:access_type 4:4:major 8:4:minor",
    "bpf_sysctl": "0:4:write 4:4:file_pos",
    "bpf_sockopt": "0:8:sk 8:8:optval 16:8:optval_end 24:4:level 28:4:optname 32:4:optlen "
    "36:4:retval",
    "bpf_sk_lookup": "0:8:sk 8:4:family 12:4:protocol 16:4:remote_ip4 20:16:remote_ip6 "
    "36:4:remote_port 40:4:local_ip4 44:16:local_ip6 60:4:local_port 64:4:ingress_ifindex",
}

#: Type of a program to the struct that it gets.
CONTEXTS = {
    **dict.fromkeys(
        (
            "SOCKET_FILTER",
            "SCHED_CLS",
            "SCHED_ACT",
            "CGROUP_SKB",
            "LWT_IN",
            "LWT_OUT",
            "LWT_XMIT",
            "LWT_SEG6LOCAL",
            "SK_SKB",
            "FLOW_DISSECTOR",
        ),
        "__sk_buff",
    ),
    "XDP": "xdp_md",
    "SOCK_OPS": "bpf_sock_ops",
    "SK_MSG": "sk_msg_md",
    "CGROUP_SOCK": "bpf_sock",
    "CGROUP_SOCK_ADDR": "bpf_sock_addr",
    "SK_REUSEPORT": "sk_reuseport_md",
    "CGROUP_DEVICE": "bpf_cgroup_dev_ctx",
    "CGROUP_SYSCTL": "bpf_sysctl",
    "CGROUP_SOCKOPT": "bpf_sockopt",
    "SK_LOOKUP": "bpf_sk_lookup",
}


@cache
def _fields(struct: str) -> dict[int, str]:
    """Return the name of the field that each byte belongs to."""
    found: dict[int, str] = {}
    for item in _LAYOUT[struct].split():
        offset, size, name = item.split(":")
        for byte in range(int(offset), int(offset) + int(size)):
            found.setdefault(byte, name)
    return found


def context_field(struct: str, offset: int) -> str | None:
    """Return the field at an offset, None where the header has none."""
    return _fields(struct).get(offset)
