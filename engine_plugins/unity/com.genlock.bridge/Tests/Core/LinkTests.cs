using System;
using System.Net.WebSockets;
using System.Threading;
using System.Threading.Tasks;
using NUnit.Framework;

namespace Genlock.Tests
{
    /// <summary>One connection under a thread that sends and a pool that completes.</summary>
    public sealed class LinkTests
    {
        private const int Links = 8;
        private const int Frames = 60000;

        [Test]
        public void SendsThatEndOnThePoolWhileTheCallerSendsAreNeverTwoAtOnce()
        {
            var random = new System.Random(1);
            var bytes = new byte[300];
            for (var i = 0; i < Links; i++)
            {
                var socket = new CountingSocket();
                using (var link = new Link(socket, new Uri("ws://x:1")))
                {
                    link.Start();
                    Packet opened;
                    Assert.IsTrue(SpinWait.SpinUntil(() => link.TryTake(out opened), TimeSpan.FromMinutes(1)));
                    for (var frame = 0; frame < Frames; frame++)
                    {
                        link.Send(bytes, bytes.Length, true);
                        Thread.SpinWait(random.Next(0, 400));
                    }
                    Assert.AreEqual(0, socket.Doubles, "link " + i);
                    Assert.IsFalse(link.SendFailed);
                    Assert.Greater(link.BytesSent, 0);
                }
            }
        }

        /// <summary>Completes each send on the pool, and counts those that begin while another is under way.</summary>
        private sealed class CountingSocket : WebSocket, IConnector
        {
            private readonly TaskCompletionSource<WebSocketReceiveResult> _received =
                new TaskCompletionSource<WebSocketReceiveResult>();

            private int _inside;
            private int _doubles;

            public override WebSocketCloseStatus? CloseStatus
            {
                get { return null; }
            }

            public override string CloseStatusDescription
            {
                get { return ""; }
            }

            public override WebSocketState State
            {
                get { return WebSocketState.Open; }
            }

            public override string SubProtocol
            {
                get { return Protocol.Subprotocol; }
            }

            internal int Doubles
            {
                get { return Volatile.Read(ref _doubles); }
            }

            public Task<WebSocket> ConnectAsync(Uri url, CancellationToken cancel)
            {
                return Task.FromResult<WebSocket>(this);
            }

            public override Task SendAsync(
                ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancel)
            {
                if (Interlocked.Increment(ref _inside) > 1)
                {
                    Interlocked.Increment(ref _doubles);
                }
                return Task.Run(() => Interlocked.Decrement(ref _inside));
            }

            public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancel)
            {
                return _received.Task;
            }

            public override void Abort()
            {
                _received.TrySetCanceled();
            }

            public override void Dispose()
            {
                Abort();
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
        }
    }
}
