using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace Genlock
{
    /// <summary>
    /// One WebSocket from its opening to its end. It has no thread of its own: sends begin on the caller's thread and go on where
    /// the platform completes them; what comes in waits in order, its end last, until <see cref="TryTake"/> fetches it.
    /// </summary>
    internal sealed class Link : IDisposable
    {
        private const int ReceiveBytes = 65536;
        private const int KeptBytes = 262144;
        private const int KeptPackets = 64;
        private static readonly TimeSpan EndWait = TimeSpan.FromMilliseconds(250);

        private readonly object _gate = new object();
        private readonly IConnector _connector;
        private readonly Uri _url;
        private readonly CancellationTokenSource _cancel = new CancellationTokenSource();
        private readonly PacketQueue _outbound = new PacketQueue();
        private readonly Queue<Packet> _inbound = new Queue<Packet>();
        private readonly Stack<Packet> _spare = new Stack<Packet>();
        private readonly Action _sent;
        private WebSocket _socket;
        private Packet _sending;
        private ConfiguredTaskAwaitable.ConfiguredTaskAwaiter _sendAwaiter;
        private bool _sendFailed;
        private bool _ended;

        internal Link(IConnector connector, Uri url)
        {
            _connector = connector;
            _url = url;
            _sent = Sent;
        }

        /// <summary>Bytes of messages that were given to the socket so far.</summary>
        internal long BytesSent { get; private set; }

        /// <summary>Whether a send failed: the end follows, unless the platform keeps it back.</summary>
        internal bool SendFailed
        {
            get
            {
                lock (_gate)
                {
                    return _sendFailed;
                }
            }
        }

        internal void Start()
        {
            // On the pool: name resolution and TLS may work before they first wait.
            Task.Run((Func<Task>)RunAsync);
        }

        /// <summary>
        /// Sends a message after those before it. A frame replaces the one ahead of it if that still waits: the newest wins.
        /// </summary>
        internal void Send(byte[] bytes, int length, bool isFrame)
        {
            lock (_gate)
            {
                if (_socket == null || _sendFailed || _ended)
                {
                    return;
                }
                var last = _outbound.Last;
                if (isFrame && last != null && last.IsFrame)
                {
                    last.Fill(bytes, length);
                    return;
                }
                var packet = Spare();
                packet.Fill(bytes, length);
                packet.IsFrame = isFrame;
                _outbound.Enqueue(packet);
                if (_sending != null)
                {
                    return;
                }
                _sending = _outbound.Dequeue();
            }
            SendOn();
        }

        /// <summary>The next of what came in, for one that gives it back by <see cref="Recycle"/>.</summary>
        internal bool TryTake(out Packet packet)
        {
            lock (_gate)
            {
                packet = _inbound.Count > 0 ? _inbound.Dequeue() : null;
            }
            return packet != null;
        }

        internal void Recycle(Packet packet)
        {
            lock (_gate)
            {
                if (_spare.Count < KeptPackets && packet.Bytes.Length <= KeptBytes)
                {
                    _spare.Push(packet);
                }
            }
        }

        /// <summary>Breaks the connection off; its end comes in as with any other.</summary>
        internal void Abort()
        {
            _cancel.Cancel();
            WebSocket socket;
            lock (_gate)
            {
                socket = _socket;
            }
            if (socket != null)
            {
                socket.Abort();
                socket.Dispose();
            }
        }

        /// <summary>Waits so long until everything is sent, then breaks the connection off and waits for its end.</summary>
        internal void Dispose(TimeSpan drain)
        {
            var clock = Stopwatch.StartNew();
            lock (_gate)
            {
                while (_sending != null && !_ended && clock.Elapsed < drain)
                {
                    Monitor.Wait(_gate, drain);
                }
            }
            Dispose();
        }

        public void Dispose()
        {
            Abort();
            var clock = Stopwatch.StartNew();
            lock (_gate)
            {
                while (!_ended && clock.Elapsed < EndWait)
                {
                    Monitor.Wait(_gate, EndWait);
                }
            }
        }

        private void SendOn()
        {
            for (var more = true; more;)
            {
                try
                {
                    var awaiter = _socket.SendAsync(
                        new ArraySegment<byte>(_sending.Bytes, 0, _sending.Length), WebSocketMessageType.Binary, true,
                        CancellationToken.None).ConfigureAwait(false).GetAwaiter();
                    if (!awaiter.IsCompleted)
                    {
                        _sendAwaiter = awaiter;
                        awaiter.UnsafeOnCompleted(_sent);
                        return;
                    }
                    awaiter.GetResult();
                    more = Next();
                }
                catch (Exception)
                {
                    // Why is told by the end of the receiving side.
                    FailSending();
                    return;
                }
            }
        }

        private void Sent()
        {
            try
            {
                _sendAwaiter.GetResult();
                if (!Next())
                {
                    return;
                }
            }
            catch (Exception)
            {
                FailSending();
                return;
            }
            SendOn();
        }

        private bool Next()
        {
            lock (_gate)
            {
                BytesSent += _sending.Length;
                Recycle(_sending);
                _sending = _outbound.Dequeue();
                if (_sending == null)
                {
                    Monitor.PulseAll(_gate);
                }
                return _sending != null;
            }
        }

        private void FailSending()
        {
            lock (_gate)
            {
                _sendFailed = true;
                _sending = null;
                Monitor.PulseAll(_gate);
            }
        }

        private async Task RunAsync()
        {
            var code = CloseCodes.Abnormal;
            var reason = "";
            try
            {
                var socket = await _connector.ConnectAsync(_url, _cancel.Token).ConfigureAwait(false);
                lock (_gate)
                {
                    _socket = socket;
                }
                _cancel.Token.ThrowIfCancellationRequested();
                Enqueue(PacketKind.Opened, 0, "");
                await ReceiveAsync(socket).ConfigureAwait(false);
                code = socket.CloseStatus.HasValue ? (int)socket.CloseStatus.Value : CloseCodes.Abnormal;
                reason = socket.CloseStatusDescription ?? "";
                await AnswerCloseAsync(socket).ConfigureAwait(false);
            }
            catch (Exception problem)
            {
                reason = _cancel.IsCancellationRequested ? "the connection was given up" : Words(problem);
            }
            lock (_gate)
            {
                if (_socket != null)
                {
                    _socket.Dispose();
                }
                Enqueue(PacketKind.Closed, code, reason);
                _ended = true;
                Monitor.PulseAll(_gate);
            }
        }

        private async Task ReceiveAsync(WebSocket socket)
        {
            var buffer = new byte[ReceiveBytes];
            var length = 0;
            while (true)
            {
                if (length == buffer.Length)
                {
                    if (length >= Protocol.MaxInboundBytes)
                    {
                        throw new IOException("a message is longer than " + Protocol.MaxInboundBytes + " bytes");
                    }
                    Array.Resize(ref buffer, 2 * length);
                }
                var result = await socket.ReceiveAsync(
                    new ArraySegment<byte>(buffer, length, buffer.Length - length), CancellationToken.None)
                    .ConfigureAwait(false);
                if (result.MessageType == WebSocketMessageType.Close)
                {
                    return;
                }
                length += result.Count;
                if (!result.EndOfMessage)
                {
                    continue;
                }
                // Text is not of this protocol and ignored.
                if (result.MessageType == WebSocketMessageType.Binary)
                {
                    lock (_gate)
                    {
                        var packet = Spare();
                        packet.Kind = PacketKind.Message;
                        packet.Fill(buffer, length);
                        packet.Ticks = Stopwatch.GetTimestamp();
                        _inbound.Enqueue(packet);
                    }
                }
                length = 0;
            }
        }

        private static async Task AnswerCloseAsync(WebSocket socket)
        {
            try
            {
                if (socket.State == WebSocketState.CloseReceived)
                {
                    await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None)
                        .ConfigureAwait(false);
                }
            }
            catch (Exception)
            {
                // The other side went without waiting for it; what it said is known already.
            }
        }

        private void Enqueue(PacketKind kind, int code, string reason)
        {
            lock (_gate)
            {
                var packet = Spare();
                packet.Kind = kind;
                packet.Code = code;
                packet.Reason = reason;
                packet.Length = 0;
                packet.Ticks = Stopwatch.GetTimestamp();
                _inbound.Enqueue(packet);
            }
        }

        private Packet Spare()
        {
            return _spare.Count > 0 ? _spare.Pop() : new Packet();
        }

        private static string Words(Exception problem)
        {
            var inner = problem;
            while (inner.InnerException != null && !(inner is IOException))
            {
                inner = inner.InnerException;
            }
            return inner.Message;
        }

        /// <summary>A queue whose last is known. An array that is used again holds it.</summary>
        private sealed class PacketQueue
        {
            private Packet[] _packets = new Packet[16];
            private int _first;
            private int _count;

            internal Packet Last
            {
                get { return _count == 0 ? null : _packets[(_first + _count - 1) % _packets.Length]; }
            }

            internal void Enqueue(Packet packet)
            {
                if (_count == _packets.Length)
                {
                    var larger = new Packet[2 * _count];
                    for (var i = 0; i < _count; i++)
                    {
                        larger[i] = _packets[(_first + i) % _count];
                    }
                    _packets = larger;
                    _first = 0;
                }
                _packets[(_first + _count) % _packets.Length] = packet;
                _count++;
            }

            internal Packet Dequeue()
            {
                if (_count == 0)
                {
                    return null;
                }
                var packet = _packets[_first];
                _packets[_first] = null;
                _first = (_first + 1) % _packets.Length;
                _count--;
                return packet;
            }
        }
    }
}
