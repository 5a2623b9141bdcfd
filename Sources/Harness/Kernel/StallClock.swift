import Glibc

/// How long some process of a cgroup of version 2 has been kept waiting for a processor or a disk, those that have ended included (pressure stall
/// information, Documentation/accounting/psi.rst). Kept open to be asked often.
package final class StallClock: Sendable {
    private let processor: Descriptor
    private let disk: Descriptor?

    /// Nil where the kernel does not say.
    init?(_ path: String) {
        guard let processor = try? Descriptor.open(path + "/cpu.pressure", .read) else { return nil }
        self.processor = processor
        disk = try? Descriptor.open(path + "/io.pressure", .read)
    }

    /// The sum of both, since the cgroup was made.
    package var time: Duration {
        var result = StallClock.total(in: processor)
        switch disk {
        case .some(let disk): result += StallClock.total(in: disk)
        case .none: break
        }
        return .microseconds(result)
    }

    /// some avg10=0.00 avg60=0.00 avg300=0.00 total=12345, in microseconds
    private static func total(in file: borrowing Descriptor) -> Int64 {
        withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
            let count = pread(file.rawValue, buffer.baseAddress, buffer.count, 0)
            guard count > 0, let mark = buffer[..<count].firstIndex(of: UInt8(ascii: "\n")) else { return 0 }
            var result: Int64 = 0
            guard let equals = buffer[..<mark].lastIndex(of: UInt8(ascii: "=")) else { return 0 }
            for digit in buffer[(equals + 1)..<mark] {
                guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { break }
                result = result * 10 + Int64(digit - UInt8(ascii: "0"))
            }
            return result
        }
    }
}
