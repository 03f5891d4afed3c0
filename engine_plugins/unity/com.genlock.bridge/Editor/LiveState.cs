using UnityEditor;
using UnityEngine;

namespace Genlock.Editor
{
    /// <summary>Draws how a client's session goes.</summary>
    internal static class LiveState
    {
        internal static void Draw(GenlockClient client)
        {
            EditorGUILayout.LabelField("State", client.State.ToString());
            var session = client.Session;
            if (session == null)
            {
                DrawConnect(client);
                return;
            }
            var welcome = session.Welcome;
            if (welcome != null)
            {
                EditorGUILayout.LabelField("Session", welcome.Session + (welcome.Resumed ? " (resumed)" : ""));
                EditorGUILayout.LabelField("Learning", welcome.Learning ? "yes, after " + welcome.Sessions + " sessions" : "no");
                EditorGUILayout.LabelField("Recording", welcome.Recording ? "yes: tell the user" : "no");
            }
            EditorGUILayout.LabelField("Round trip", session.RoundTripMs < 0 ? "-" : session.RoundTripMs.ToString("0.0") + " ms");
            EditorGUILayout.LabelField("Frames, answers", session.FramesSent + ", " + session.AnswersReceived);
            EditorGUILayout.LabelField("Sent, received", Kilobytes(session.BytesSent) + ", " + Kilobytes(session.BytesReceived));
            EditorGUILayout.LabelField("Not answered", session.Unanswered.ToString());
            EditorGUILayout.LabelField("Reconnects", session.Reconnects.ToString());
            EditorGUILayout.LabelField("Target", client.CurrentTarget == null ? "-" : client.CurrentTarget.DisplayName);
            if (session.State == SessionState.Ended)
            {
                DrawConnect(client);
            }
            else if (GUILayout.Button("Disconnect"))
            {
                client.Disconnect();
            }
        }

        private static void DrawConnect(GenlockClient client)
        {
            if (!GUILayout.Button("Connect"))
            {
                return;
            }
            try
            {
                client.Connect();
            }
            catch (GenlockException problem)
            {
                Debug.LogError("Genlock: " + problem.Message, client);
            }
        }

        private static string Kilobytes(long bytes)
        {
            return (bytes / 1024) + " KiB";
        }
    }
}
