import CLinux
import Glibc
import Vocabulary

/// One message from the other end of a socket, and the process that the kernel says has sent it.
package struct ReceivedMessage: Sendable {
    package let text: String
    package let sender: ProcessID
}

/// A listening socket that keeps message boundaries, bound to a path.
package struct ServiceSocket: ~Copyable {
    package let listener: Descriptor

    /// The corresponding C functions are `socket(2)` with SOCK_SEQPACKET, `bind(2)` and `listen(2)`.
    package init(path: String) throws {
        do {
            listener = Descriptor(owning: try valueOrNegatedErrno(clinux_listen_seqpacket(path, true)))
        } catch {
            throw SystemCallError("listen on", path, error)
        }
    }

    /// The next connection, or nil when none is waiting.
    package func accept() -> Descriptor? {
        let result = clinux_accept(listener.rawValue)
        return result < 0 ? nil : Descriptor(owning: result)
    }
}

extension Descriptor {
    /// The longest message that is read whole; the rest of a longer one is cut off.
    package static let messageLimit = 4096

    /// What a connected socket holds next; `.some(nil)` when there is nothing now, nil at the end.
    ///
    /// The corresponding C function is `recvmsg(2)` with SCM_CREDENTIALS.
    package func receive() -> ReceivedMessage?? {
        withUnsafeTemporaryAllocation(byteCount: Descriptor.messageLimit, alignment: 1) { buffer in
            var sender: Int32 = 0
            guard let start = buffer.baseAddress else { return nil }
            let count = clinux_receive(rawValue, start, buffer.count, &sender)
            if count == -11 || count == -4 { return .some(nil) }  // EAGAIN, EINTR
            if count <= 0 { return nil }
            let text = String(decoding: buffer.prefix(Int(count)), as: UTF8.self)
            return ReceivedMessage(text: text, sender: ProcessID(rawValue: sender))
        }
    }

    /// Sends one message on a connected socket, if there is room for it.
    ///
    /// The corresponding C function is `send(2)` with MSG_DONTWAIT.
    package func send(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 {
            Glibc.send(rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) == $0.count
        }
    }
}
