using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.WebSockets;
using System.Threading;
using System.Threading.Tasks;

namespace Genlock.Tests
{
    /// <summary>
    /// A daemon in the test's own hands: it says what the test tells it to, and keeps what the client sends. Everything it says
    /// is there at once, so a test that pumps sees it without waiting for a clock.
    /// </summary>
    internal sealed class FakeDaemon : IConnector
    {
        private readonly List<FakeSocket> _sockets = new List<FakeSocket>();

        internal bool Refuses { get; set; }

        internal long Now { get; set; } = 1000000;

        internal int Attempts { get; private set; }

        internal FakeSocket Socket
        {
            get
            {
                lock (_sockets)
                {
                    return _sockets.LastOrDefault();
                }
            }
        }

        public Task<WebSocket> ConnectAsync(Uri url, CancellationToken cancel)
        {
            Attempts++;
            if (Refuses)
            {
                throw new IOException("nothing answers");
            }
            var socket = new FakeSocket();
            lock (_sockets)
            {
                _sockets.Add(socket);
            }
            return Task.FromResult<WebSocket>(socket);
        }

        internal GenlockSession Session()
        {
            return new GenlockSession(
                new SessionOptions { User = "ada", App = new AppInfo { Name = "test" } }, this, () => Now, new Random(1));
        }

        /// <summary>A session that was welcomed.</summary>
        internal GenlockSession Welcomed()
        {
            var session = Session();
            session.Connect();
            Welcome(session, false);
            return session;
        }

        /// <summary>Waits for a hello and answers it.</summary>
        internal void Welcome(GenlockSession session, bool resumed, bool restored = false)
        {
            Pump(session, () => Socket != null && Socket.Sent("hello").Count == 1);
            Socket.Say(
                "type", "welcome", "version", "1.0", "session", "s", "resume", "secret", "resume_s", 30.0, "resumed", resumed,
                "restored", restored, "last_q", 0L);
            Pump(session, () => session.State == SessionState.Connected);
        }

        /// <summary>Breaks the connection and lets the pause pass.</summary>
        internal void Drop(GenlockSession session, int code = CloseCodes.Abnormal)
        {
            var socket = Socket;
            socket.End(code);
            Pump(session, () => session.State != SessionState.Connected);
            Now += 20000000;
            Pump(session, () => session.State == SessionState.Ended || Socket != socket);
        }

        /// <summary>Pumps until something holds; what does not within a minute never will.</summary>
        internal static void Pump(GenlockSession session, Func<bool> until)
        {
            var limit = DateTime.UtcNow.AddMinutes(1);
            session.Pump();
            while (!until())
            {
                if (DateTime.UtcNow > limit)
                {
                    throw new TimeoutException("it never came");
                }
                Thread.Yield();
                session.Pump();
            }
        }
    }

    /// <summary>One connection with a <see cref="FakeDaemon"/>.</summary>
    internal sealed class FakeSocket : WebSocket
    {
        private readonly object _gate = new object();
        private readonly Queue<byte[]> _said = new Queue<byte[]>();
        private readonly List<Dictionary<string, object>> _sent = new List<Dictionary<string, object>>();
        private TaskCompletionSource<bool> _news = new TaskCompletionSource<bool>();
        private TaskCompletionSource<bool> _stall;
        private WebSocketCloseStatus? _status;
        private bool _ended;

        public override WebSocketCloseStatus? CloseStatus
        {
            get { return _status; }
        }

        public override string CloseStatusDescription
        {
            get { return "the test says so"; }
        }

        public override WebSocketState State
        {
            get { return WebSocketState.Closed; }
        }

        public override string SubProtocol
        {
            get { return Protocol.Subprotocol; }
        }

        internal bool Disposed { get; private set; }

        public override void Abort()
        {
            End(CloseCodes.Abnormal);
        }

        public override void Dispose()
        {
            Disposed = true;
            End(CloseCodes.Abnormal);
        }

        public override Task CloseAsync(WebSocketCloseStatus closeStatus, string statusDescription, CancellationToken cancel)
        {
            return Task.FromResult(true);
        }

        public override Task CloseOutputAsync(
            WebSocketCloseStatus closeStatus, string statusDescription, CancellationToken cancel)
        {
            return Task.FromResult(true);
        }

        public override async Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancel)
        {
            while (true)
            {
                Task news;
                lock (_gate)
                {
                    if (_said.Count > 0)
                    {
                        var message = _said.Dequeue();
                        Buffer.BlockCopy(message, 0, buffer.Array, buffer.Offset, message.Length);
                        return new WebSocketReceiveResult(message.Length, WebSocketMessageType.Binary, true);
                    }
                    if (_ended && _status.HasValue)
                    {
                        return new WebSocketReceiveResult(0, WebSocketMessageType.Close, true);
                    }
                    if (_ended)
                    {
                        throw new IOException("the connection broke");
                    }
                    news = _news.Task;
                }
                await news.ConfigureAwait(false);
            }
        }

        public override Task SendAsync(
            ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancel)
        {
            lock (_gate)
            {
                if (_ended)
                {
                    throw new IOException("the connection is gone");
                }
                var reader = new MsgPackReader();
                reader.Begin(buffer.Array, buffer.Offset, buffer.Count);
                _sent.Add((Dictionary<string, object>)Tree.Read(reader));
                return _stall == null ? Task.FromResult(true) : (Task)_stall.Task;
            }
        }

        /// <summary>Sends stay under way until <see cref="Flow"/>.</summary>
        internal void Stall()
        {
            lock (_gate)
            {
                _stall = new TaskCompletionSource<bool>();
            }
        }

        internal void Flow()
        {
            TaskCompletionSource<bool> stall;
            lock (_gate)
            {
                stall = _stall;
                _stall = null;
            }
            stall.SetResult(true);
        }

        /// <summary>Says a message of keys and values.</summary>
        internal void Say(params object[] pairs)
        {
            var map = new Dictionary<string, object>();
            for (var i = 0; i < pairs.Length; i += 2)
            {
                map[(string)pairs[i]] = pairs[i + 1];
            }
            var writer = new MsgPackWriter();
            Tree.Write(writer, map);
            lock (_gate)
            {
                _said.Enqueue(writer.ToArray());
            }
            Tell();
        }

        internal void SayBytes(byte[] bytes)
        {
            lock (_gate)
            {
                _said.Enqueue(bytes);
            }
            Tell();
        }

        internal void SayActions(long q, params Dictionary<string, object>[] actions)
        {
            Say(
                "type", "actions", "q", q, "t", 0L, "m", 0L, "f", new byte[0], "k", -1L, "p", new byte[0], "a",
                actions.Cast<object>().ToList());
        }

        internal static Dictionary<string, object> Action(long n, string name, string id = "", string phase = "performed")
        {
            return new Dictionary<string, object>
            {
                { "n", n }, { "name", name }, { "phase", phase }, { "confidence", 1.0 }, { "source", "utterance" }, { "id", id },
            };
        }

        internal void End(int code)
        {
            lock (_gate)
            {
                if (_ended)
                {
                    return;
                }
                _ended = true;
                if (code != CloseCodes.Abnormal)
                {
                    _status = (WebSocketCloseStatus)code;
                }
            }
            Tell();
        }

        internal List<Dictionary<string, object>> Sent(string type)
        {
            lock (_gate)
            {
                return _sent.Where(message => (string)message["type"] == type).ToList();
            }
        }

        internal List<string> SentTypes()
        {
            lock (_gate)
            {
                return _sent.Select(message => (string)message["type"]).ToList();
            }
        }

        private void Tell()
        {
            TaskCompletionSource<bool> news;
            lock (_gate)
            {
                news = _news;
                _news = new TaskCompletionSource<bool>();
            }
            news.TrySetResult(true);
        }
    }
}
